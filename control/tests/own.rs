//! Whoever may read only what they did themselves reads nothing else of the audit log, by whatever
//! way: against a running server with a policy of its own.

mod common;

use common::{Floor, Office, Server, until};
use serde_json::{Value, json};

/// The administrator reads everything, risk its own entries, others none.
const POLICY: &str = r#"
permit (principal, action in [Action::"read", Action::"kill"], resource);
permit (principal in Role::"admin", action == Action::"read_audit", resource);
permit (principal in Role::"risk", action == Action::"read_audit", resource)
when { context.own };
"#;

/// An office in which ann, bob and victor stopped an engine; bob said a secret.
struct Site {
    office: Office,
    _alpha: Floor,
    server: Server,
}

impl Site {
    fn open() -> Site {
        let office = Office::new();
        office.issue("ann", "ann", &["risk"]);
        office.issue("bob", "bob", &["admin"]);
        office.issue("victor", "victor", &["viewer"]);
        std::fs::write(office.path("own.cedar"), POLICY).unwrap();
        let alpha = Floor::start(office.path("alpha.mailbox"));
        office.configure(&[("alpha", &alpha.mailbox)], "[policy]\nfile = \"own.cedar\"");
        let server = office.serve();
        let site = Site { office, _alpha: alpha, server };
        for (who, reason) in [("ann", "plain"), ("bob", "secret"), ("victor", "plain")] {
            let body = json!({ "engine": "alpha", "reason": reason }).to_string();
            let done =
                site.office.ask(&site.server, Some(who), "POST", "/api/v1/kill", Some(&body));
            assert_eq!(done.0, 200, "{}", done.1);
        }
        until("all of it is in the log", || site.get("bob", "/audit?action=kill").1.len() == 3);
        site
    }

    /// The body, and its items if it is a list.
    fn get(&self, who: &str, path: &str) -> (Value, Vec<Value>) {
        let (status, said) = self.ask(who, "GET", path);
        assert_eq!(status, 200, "{who} {path}: {said}");
        let items = said["items"].as_array().cloned().unwrap_or_default();
        (said, items)
    }

    fn ask(&self, who: &str, method: &str, path: &str) -> (u16, Value) {
        let path = format!("/api/v1{path}");
        self.office.ask(&self.server, Some(who), method, &path, None)
    }

    fn refused(&self, who: &str, method: &str, path: &str) {
        let (status, said) = self.ask(who, method, path);
        assert_eq!((status, &said["code"]), (403, &"forbidden".into()), "{path}: {said}");
    }

    /// The number of somebody's kill.
    fn entry(&self, who: &str) -> u64 {
        let (_, items) = self.get("bob", &format!("/audit?action=kill&user={who}"));
        items[0]["seq"].as_u64().unwrap()
    }
}

/// Whether it tells of ann alone.
fn of_ann(what: &str, (said, items): &(Value, Vec<Value>)) {
    let hers = |item: &Value| [&item["who"], &item["user"]].contains(&&json!("ann"));
    assert!(!items.is_empty() && items.iter().all(hers), "{what}: {said}");
    assert!(!said.to_string().contains("secret"), "{what}: {said}");
}

#[test]
fn lists_entries_proofs_and_statistics_are_of_ones_own() {
    let site = Site::open();
    let (hers, his) = (site.entry("ann"), site.entry("bob"));
    for path in ["/audit", "/audit?user=ann", "/audit?action=kill&limit=1", "/audit/activity"] {
        of_ann(path, &site.get("ann", path));
    }
    // No filter and no cursor leads to another's.
    let (entry, _) = site.get("bob", &format!("/audit/{his}"));
    assert_eq!(entry["reason"], "secret");
    let correlation = entry["correlation"].as_str().unwrap();
    let filters = ["text=secret".to_owned(), format!("correlation={correlation}")];
    for filter in filters {
        assert_eq!(site.get("bob", &format!("/audit?{filter}")).1.len(), 1);
        assert!(site.get("ann", &format!("/audit?{filter}")).1.is_empty());
    }
    for cursor in 0..=his + 2 {
        let (_, page) = site.get("ann", &format!("/audit?cursor={cursor}"));
        assert!(page.iter().all(|item| item["who"] == "ann"), "{page:?}");
    }
    of_ann("an entry", &{
        let (entry, _) = site.get("ann", &format!("/audit/{hers}"));
        (entry.clone(), vec![entry])
    });
    let (proof, _) = site.get("ann", &format!("/audit/{hers}/proof"));
    assert!(!proof.to_string().contains("secret"), "{proof}");
    site.get("ann", "/audit/checkpoint");
    // Another's, and what is not there: the same answer.
    for seq in [his, 1_000_000] {
        site.refused("ann", "GET", &format!("/audit/{seq}"));
        site.refused("ann", "GET", &format!("/audit/{seq}/proof"));
        site.refused("ann", "GET", &format!("/audit/{seq}/proof?old=1"));
    }
    for path in ["/audit?user=bob", "/audit?user=Ann", "/audit?user=", "/audit/activity?user=bob"] {
        site.refused("ann", "GET", path);
    }
    site.refused("ann", "POST", "/audit/verify");
    // Who may not even read their own.
    for path in ["/audit", "/audit/activity", "/audit/checkpoint", &format!("/audit/{hers}")] {
        site.refused("victor", "GET", path);
    }
    until("it is in the log that they tried", || {
        let (_, tried) = site.get("bob", "/audit?user=victor&result=refused");
        assert!(tried.iter().all(|entry| entry["action"] == "read_audit"), "{tried:?}");
        !tried.is_empty()
    });
}

/// A report quotes the log.
#[test]
fn reports_quote_what_their_reader_may_see() {
    let site = Site::open();
    until("the day is written down", || !site.get("bob", "/reports").1.is_empty());
    let day = site.get("bob", "/reports").1[0]["day"].clone();
    let path = format!("/reports/alpha/{}", day.as_str().unwrap());
    let people = |who: &str| -> Vec<Value> {
        let (report, _) = site.get(who, &path);
        let page = site.get(who, &format!("{path}?format=html")).0.to_string();
        assert_eq!(page.contains("secret"), who == "bob", "{page}");
        report["changes"].as_array().unwrap().iter().map(|change| change["who"].clone()).collect()
    };
    assert_eq!(people("bob"), ["ann", "bob", "victor"]);
    assert_eq!(people("ann"), ["ann"]);
    assert!(people("victor").is_empty());
}
