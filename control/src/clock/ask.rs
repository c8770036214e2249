//! Running the program that asks the time service: bounded in time and in what it may print.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::reading::Reading;
use super::{Settings, Source, chrony, ptp};

/// A whole answer is below 4 KiB.
const ANSWER_MAX: u64 = 64 * 1024;
/// chronyc waits a second for chronyd and asks three times; pmc waits for as long as it is told.
const ANSWER_WITHIN: Duration = Duration::from_secs(4);

/// Why there is no reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The service could not be asked: what it said last still holds for a while.
    Unreadable(String),
    /// The service answered, and its answer gives no bound.
    Refused(String),
}

/// Asks once.
pub(super) async fn ask(settings: &Settings) -> Result<Reading, Trouble> {
    let (program, args) = command(settings);
    let name = program.display().to_string();
    let text = output(&program, &args).await.map_err(|why| {
        Trouble::Unreadable(format!("{name}: {why}; is it installed, and its service running?"))
    })?;
    let read = match settings.source {
        Source::Chrony => chrony::parse(&text),
        Source::Ptp => ptp::parse(&text, settings.extra_ns),
        Source::None => Err("clock.source is \"none\"".into()),
    };
    let widened = |mut reading: Reading| {
        if settings.source == Source::Chrony {
            reading.dispersion_ns = reading.dispersion_ns.saturating_add(settings.extra_ns);
        }
        reading.summed()
    };
    read.map(widened).map_err(Trouble::Refused)
}

fn command(settings: &Settings) -> (PathBuf, Vec<String>) {
    let program = |default: &str| settings.command.clone().unwrap_or_else(|| default.into());
    let own = |args: &[&str]| args.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>();
    match settings.source {
        Source::Ptp => {
            let mut args = own(&["-u", "-b", "0"]);
            args.extend(settings.address.iter().flat_map(|at| ["-s".to_owned(), at.clone()]));
            args.extend(ptp::REQUESTS.map(str::to_owned));
            (program("pmc"), args)
        }
        _ => {
            let at = settings.address.iter().flat_map(|at| ["-h".to_owned(), at.clone()]);
            (
                program("chronyc"),
                own(&["-c"]).into_iter().chain(at).chain(own(&["tracking"])).collect(),
            )
        }
    }
}

/// What the program prints; the program is killed when the answer does not come in time.
async fn output(program: &PathBuf, args: &[String]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(args).env("LC_ALL", "C").kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|e| e.to_string())?;
    let stdout = child.stdout.take().ok_or("no output")?;
    let answer = async {
        let mut bytes = Vec::new();
        stdout.take(ANSWER_MAX).read_to_end(&mut bytes).await.map_err(|e| e.to_string())?;
        let status = child.wait().await.map_err(|e| e.to_string())?;
        if !status.success() {
            let said = String::from_utf8_lossy(&bytes);
            return Err(format!("{status} ({})", said.lines().next().unwrap_or("no word")));
        }
        String::from_utf8(bytes).map_err(|_| "its answer is not text".into())
    };
    match tokio::time::timeout(ANSWER_WITHIN, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer within {} s", ANSWER_WITHIN.as_secs())),
    }
}
