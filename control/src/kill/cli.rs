//! `nofx-control kill`: engages without a server, an audit log or a network.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::file::{self, LOOK, Stop, Watch};
use super::hold::{Hold, Looked};
use super::scope::Covered;
use super::target::{self, Outcome, Target};
use crate::config::Config;
use crate::failure::Failure;

/// Arguments of `nofx-control kill`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
    These commands store into the engines' mailboxes themselves: they work with the server dead, the \
    engine dead, the disk full. `nofx kill` does the same for one mailbox and watches until nothing \
    is open. Letting orders pass again takes two people: `nofx-control ctl release`.\n\n\
    Exit codes: 0 engaged everywhere; 1 not everywhere (each is named); 2 usage; 3 no configuration.")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Stop orders, from now on and over restarts.
    Engage {
        #[command(flatten)]
        which: Which,
        /// `everything`, `account N`, `symbol X` or `instrument N`.
        #[arg(long, default_value = "everything", value_parser = covered)]
        scope: Covered,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Watch a file, and stop everything on every engine while it is there; runs until it is ended.
    Watch {
        #[command(flatten)]
        which: Which,
        /// The file; without it `[kill] file` of the configuration.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

/// Engines, by their mailboxes or by a configuration.
#[derive(Clone, Debug, clap::Args)]
struct Which {
    /// Mapped files of engines (live.mailbox).
    #[arg(long, value_name = "FILE", num_args = 1.., required_unless_present = "config")]
    mailbox: Vec<PathBuf>,
    /// The configuration of the control process: all its engines.
    #[arg(long, value_name = "FILE", conflicts_with = "mailbox")]
    config: Option<PathBuf>,
    /// Only this engine of the configuration.
    #[arg(long, value_name = "NAME", requires = "config")]
    engine: Option<String>,
}

fn covered(text: &str) -> Result<Covered, String> {
    text.parse().map_err(|e: super::NoSuchScope| e.to_string())
}

impl Which {
    /// The engines, and the kill file of the configuration.
    fn targets(&self) -> Result<(Vec<Target>, Option<PathBuf>), Failure> {
        let Some(config) = &self.config else {
            let target = |path: &PathBuf| Target::new(path.display().to_string(), path);
            return Ok((self.mailbox.iter().map(target).collect(), None));
        };
        let config = Config::load(config)?;
        let wanted = |name: &str| self.engine.as_ref().is_none_or(|engine| engine == name);
        let engines = config.engine.iter().filter(|engine| wanted(&engine.name));
        let targets: Vec<Target> =
            engines.map(|engine| Target::new(&engine.name, &engine.mailbox)).collect();
        match targets.is_empty() {
            true => Err(Failure::usage("no such engine in the configuration: [[engine]] name")),
            false => Ok((targets, config.kill.file)),
        }
    }
}

/// Runs `nofx-control kill`.
///
/// # Errors
/// An engine could not be engaged (1), usage (2), no configuration (3).
pub fn run(args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Engage { which, scope, json } => {
            let (targets, _) = which.targets()?;
            let outcomes = engage(&targets, &scope);
            match json {
                true => println!("{}", json!({ "scope": scope.to_string(), "engines": outcomes })),
                false => outcomes.iter().for_each(|outcome| println!("{}", line(&scope, outcome))),
            }
            match outcomes.iter().all(|outcome| outcome.result == "engaged") {
                true => Ok(()),
                false => Err(Failure::wrong("not engaged everywhere")),
            }
        }
        Command::Watch { which, file } => {
            let (targets, configured) = which.targets()?;
            let file = file.or(configured);
            let file = file.ok_or_else(|| Failure::usage("--file: name the file to watch"))?;
            file::can_be_watched(&file).map_err(|e| Failure::usage(format!("--file: {e}")))?;
            eprintln!("watching {}: making it stops {} engines", file.display(), targets.len());
            watch(&targets, &file)
        }
    }
}

fn engage(targets: &[Target], covered: &Covered) -> Vec<Outcome> {
    let covered = covered.clone();
    target::on_all(targets, move |target| target.engage(&covered))
}

fn watch(targets: &[Target], file: &Path) -> ! {
    let everything = Covered::Exactly(nofx_mailbox::Scope::Global);
    let (mut seen, mut hold) = (Watch::default(), Hold::default());
    loop {
        let looked = match seen.look(file) {
            None => Looked::default(),
            Some(Stop { first: false, .. }) => hold.look(targets, &everything),
            Some(Stop { first: true, why }) => {
                eprintln!("{why}");
                hold.engage(targets, &everything)
            }
        };
        for outcome in looked.news {
            eprintln!("{}", line(&everything, &outcome));
        }
        std::thread::sleep(LOOK);
    }
}

fn line(covered: &Covered, outcome: &Outcome) -> String {
    let Outcome { engine, result, detail, todo, alive, .. } = outcome;
    match (*result, *alive) {
        ("engaged", true) => format!("{engine}: {covered} engaged"),
        ("engaged", false) => {
            format!(
                "{engine}: {covered} engaged; no engine runs: it holds when the next one starts"
            )
        }
        _ => format!("{engine}: {result}: {detail}: {todo}"),
    }
}
