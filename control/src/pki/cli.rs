//! The command line of the authority.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use rcgen::RevocationReason;
use serde_json::{Value, json};

use super::authority::now;
use super::browser::{self, Bundle};
use super::files;
use super::{Authority, Entry, Issued, PkiError, Wanted};
use crate::failure::Failure;
use crate::identity::Role;

/// Arguments of `nofx-control pki`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
    First steps:\n  \
    nofx-control pki init --dir pki --host localhost --host 127.0.0.1\n  \
    nofx-control pki issue --dir pki --person alice --role risk --out alice\n  \
    nofx-control pki revoke --dir pki --person alice\n\n\
    control.toml: server.certificate = \"pki/server.crt\", server.key = \"pki/server.key\", \
    server.client_ca = \"pki/ca.crt\", server.crl = \"pki/crl.pem\", audit.key = \"pki/audit.key\".\n\
    Keep ca.key off the trading machine: only this command needs it.")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Make an authority, the server's certificate and the key of the audit log.
    Init {
        /// Folder to make it in.
        #[arg(long, value_name = "DIR", default_value = "pki")]
        dir: PathBuf,
        /// Name of the authority.
        #[arg(long, default_value = "NOFX")]
        name: String,
        /// A name or address of the server, as clients write it; several times.
        #[arg(long, value_name = "NAME", default_values = ["localhost", "127.0.0.1"])]
        host: Vec<String>,
        /// Days that authority and server certificate hold.
        #[arg(long, default_value_t = 3_650)]
        days: u32,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Issue a person's certificate: OUT.crt, OUT.key, and OUT.p12 for browsers.
    Issue {
        /// Folder of the authority.
        #[arg(long, value_name = "DIR", default_value = "pki")]
        dir: PathBuf,
        /// Name of the person (CN): what the audit log says, and what tells two people apart.
        #[arg(long, value_name = "NAME")]
        person: String,
        /// A role (OU); several times.
        #[arg(long, value_name = "ROLE", required = true, value_parser = role)]
        role: Vec<Role>,
        /// Days that it holds.
        #[arg(long, default_value_t = 365)]
        days: u32,
        /// Files to write, without extension.
        #[arg(long, value_name = "PATH")]
        out: PathBuf,
        /// File whose first line is the password of OUT.p12; without it one is made and printed.
        #[arg(long, value_name = "FILE")]
        password: Option<PathBuf>,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Issue another certificate for a server: OUT.crt and OUT.key.
    Server {
        /// Folder of the authority.
        #[arg(long, value_name = "DIR", default_value = "pki")]
        dir: PathBuf,
        /// A name or address of the server; several times.
        #[arg(long, value_name = "NAME", required = true)]
        host: Vec<String>,
        /// Days that it holds.
        #[arg(long, default_value_t = 365)]
        days: u32,
        /// Files to write, without extension.
        #[arg(long, value_name = "PATH")]
        out: PathBuf,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Revoke certificates: they hold no more as soon as the server sees crl.pem.
    Revoke {
        /// Folder of the authority.
        #[arg(long, value_name = "DIR", default_value = "pki")]
        dir: PathBuf,
        /// Serial number of the certificate.
        #[arg(
            long,
            value_name = "HEX",
            conflicts_with = "person",
            required_unless_present = "person"
        )]
        serial: Option<String>,
        /// All certificates of the person.
        #[arg(long, value_name = "NAME")]
        person: Option<String>,
        /// Why.
        #[arg(long, value_enum, default_value = "unspecified")]
        reason: Reason,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// List what was issued.
    List {
        /// Folder of the authority.
        #[arg(long, value_name = "DIR", default_value = "pki")]
        dir: PathBuf,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// Reasons of RFC 5280 (5.3.1) that an office has.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Reason {
    Unspecified,
    KeyCompromise,
    Left,
    Superseded,
}

fn role(name: &str) -> Result<Role, String> {
    name.parse().map_err(|e: crate::identity::NoSuchRole| e.to_string())
}

/// Runs `nofx-control pki`.
///
/// # Errors
/// What was asked for cannot be (2), or a file cannot be read or written (3).
pub fn run(args: Args) -> Result<(), Failure> {
    act(args.command).map_err(|error| match error {
        PkiError::Asked(_) => Failure::usage(error),
        PkiError::Exists(_) | PkiError::Make(_) => Failure::wrong(error),
        _ => Failure::input(error),
    })
}

fn act(command: Command) -> Result<(), PkiError> {
    match command {
        Command::Init { dir, name, host, days, json } => {
            let server = Authority::init(&dir, &name, &host, days)?;
            let text = format!(
                "{dir}: authority {name:?} and a server certificate for {hosts}, for {days} days\n\
                 next: nofx-control pki issue --dir {dir} --person NAME --role ROLE --out NAME\n\
                 keep {dir}/ca.key off the trading machine: only `pki` needs it",
                dir = dir.display(),
                hosts = host.join(", "),
            );
            say(json, &text, &json!({ "dir": dir, "hosts": host, "server": shown(&server.entry) }));
        }
        Command::Issue { dir, person, role, days, out, password, json } => {
            issue(&dir, &person, &role, days, &out, password.as_deref(), json)?;
        }
        Command::Server { dir, host, days, out, json } => {
            let wanted = Wanted::Server { hosts: &host };
            let issued = Authority::open(&dir)?.issue(&wanted, days, &out)?;
            say(json, &described(&issued), &files_of(&issued));
        }
        Command::Revoke { dir, serial, person, reason, json } => {
            revoke(&dir, serial.as_deref(), person.as_deref(), reason, json)?;
        }
        Command::List { dir, json } => {
            let authority = Authority::open(&dir)?;
            let entries = authority.entries();
            let items: Vec<Value> = entries.iter().map(shown).collect();
            say(json, &table(entries), &json!({ "items": items }));
        }
    }
    Ok(())
}

fn issue(
    dir: &Path,
    person: &str,
    roles: &[Role],
    days: u32,
    out: &Path,
    password: Option<&Path>,
    json: bool,
) -> Result<(), PkiError> {
    let (password, told) = match password {
        Some(file) => (files::read(file)?.lines().next().unwrap_or("").to_owned(), false),
        None => (browser::password()?, true),
    };
    if password.is_empty() {
        return Err(PkiError::Asked("--password: the file's first line is empty".into()));
    }
    files::must_be_new(&out.with_added_extension("p12"))?;
    let issued = Authority::open(dir)?.issue(&Wanted::Client { person, roles }, days, out)?;
    let bundle = browser::bundle(&issued, &dir.join("ca.crt"), out, &password)?;
    let (mut text, mut value) = (described(&issued), files_of(&issued));
    match bundle {
        Bundle::Written(path) => {
            text += &format!("\n{}: for a browser", path.display());
            value["p12"] = json!(path);
            if told {
                text += &format!(", password {password} (shown only now)");
                value["password"] = json!(password);
            }
        }
        Bundle::NoOpenssl => {
            text += "\nno file for a browser: there is no `openssl` program; install it and run: \
                     openssl pkcs12 -export -in OUT.crt -inkey OUT.key -out OUT.p12";
            value["p12"] = Value::Null;
        }
    }
    say(json, &text, &value);
    Ok(())
}

fn revoke(
    dir: &Path,
    serial: Option<&str>,
    person: Option<&str>,
    reason: Reason,
    json: bool,
) -> Result<(), PkiError> {
    let serial = serial.map(|serial| serial.replace(':', "").to_lowercase());
    let named = |entry: &Entry| {
        serial.as_ref().is_some_and(|serial| *serial == entry.serial)
            || person.is_some_and(|person| person == entry.name && !entry.roles.is_empty())
    };
    let mut authority = Authority::open(dir)?;
    let open = authority.entries().iter().any(|entry| named(entry) && entry.revoked.is_none());
    if !open {
        return Err(PkiError::Asked(
            "no certificate of this serial number or person is left to revoke: `pki list` shows them"
                .into(),
        ));
    }
    let reason = match reason {
        Reason::Unspecified => RevocationReason::Unspecified,
        Reason::KeyCompromise => RevocationReason::KeyCompromise,
        Reason::Left => RevocationReason::AffiliationChanged,
        Reason::Superseded => RevocationReason::Superseded,
    };
    let revoked = authority.revoke(named, reason)?;
    let lines = revoked.iter().map(|e| format!("{} of {} revoked\n", e.serial, e.name));
    let text = lines.collect::<String>()
        + &format!(
            "give the server {} (server.crl): it reads it by itself",
            dir.join("crl.pem").display()
        );
    let items: Vec<Value> = revoked.iter().map(shown).collect();
    say(json, &text, &json!({ "revoked": items, "crl": dir.join("crl.pem") }));
    Ok(())
}

fn say(json: bool, text: &str, value: &Value) {
    match json {
        true => println!("{value}"),
        false => println!("{text}"),
    }
}

fn shown(entry: &Entry) -> Value {
    let mut value = serde_json::to_value(entry).unwrap_or_default();
    value["state"] = json!(entry.state(now()));
    value
}

fn files_of(issued: &Issued) -> Value {
    let mut value = shown(&issued.entry);
    value["certificate"] = json!(issued.certificate);
    value["key"] = json!(issued.key);
    value
}

fn described(issued: &Issued) -> String {
    let days = (issued.entry.until.saturating_sub(now())).div_ceil(86_400);
    format!(
        "{}, {}: {}{}, serial {}, for {days} days",
        issued.certificate.display(),
        issued.key.display(),
        issued.entry.name,
        roles(&issued.entry),
        issued.entry.serial,
    )
}

fn roles(entry: &Entry) -> String {
    let names: Vec<&str> = entry.roles.iter().map(|role| role.name()).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(" ({})", names.join(", ")),
    }
}

fn table(entries: &[Entry]) -> String {
    let rows = entries.iter().map(|entry| {
        let left = entry.until.saturating_sub(now()) / 86_400;
        format!(
            "{}  {:8} {:>5} d  {}{}",
            entry.serial,
            entry.state(now()),
            left,
            entry.name,
            roles(entry)
        )
    });
    rows.collect::<Vec<_>>().join("\n")
}
