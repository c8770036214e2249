//! The whole table of the built-in rules, and what becomes of wrong ones.

use super::*;
use crate::identity::Role;

fn caller(roles: &[Role]) -> Caller {
    Caller {
        person: "alice".into(),
        roles: roles.to_vec(),
        serial: "01".into(),
        fingerprint: String::new(),
        peer: ([127, 0, 0, 1], 1).into(),
    }
}

/// Rows: action, kind, own; columns: viewer, trader, risk, admin.
const TABLE: &[(Action, &str, bool, [bool; 4])] = &[
    (Action::Read, "", false, [true, true, true, true]),
    (Action::SetLimits, "", false, [false, false, true, false]),
    (Action::SetParameters, "", false, [false, true, true, false]),
    (Action::RollBack, "limits", false, [false, false, true, false]),
    (Action::RollBack, "strategy", false, [false, true, true, false]),
    (Action::SwapModel, "", false, [false, true, true, false]),
    (Action::Command, "halt", false, [false, true, true, false]),
    (Action::Command, "resume", false, [false, false, true, false]),
    (Action::Command, "cancel_all", false, [false, true, true, false]),
    (Action::Command, "snapshot", false, [false, true, true, false]),
    (Action::Command, "rotate_journal", false, [false, false, true, false]),
    (Action::Configure, "draft", false, [false, false, true, true]),
    (Action::Configure, "validate", false, [false, false, true, true]),
    (Action::Configure, "canary", false, [false, false, true, true]),
    (Action::Configure, "apply", false, [false, false, false, true]),
    (Action::Configure, "roll_back", false, [false, false, true, true]),
    (Action::Kill, "", false, [true, true, true, true]),
    (Action::Release, "", false, [false, false, true, true]),
    (Action::ReadAudit, "", false, [false, false, true, true]),
    (Action::ReadAudit, "", true, [true, true, true, true]),
];

#[test]
fn the_table_of_the_built_in_rules() {
    let policy = Policy::open(None).unwrap();
    for engine in ["alpha", "*"] {
        for (action, what, own, want) in TABLE {
            let on = Resource { own: *own, ..Resource::engine(engine).what(*what) };
            let may = Role::ALL.map(|role| policy.check(&caller(&[role]), *action, &on).is_ok());
            println!("{engine:6} {:14} {what:14} {own:5} {may:?}", action.name());
            assert_eq!(may, *want, "{} {what} own {own}", action.name());
            assert!(policy.check(&caller(&[]), *action, &on).is_err() || *own, "no role");
        }
    }
    // Every kind has its row.
    for action in Action::ALL {
        for kind in action.kinds() {
            assert!(TABLE.iter().any(|row| row.0 == action && row.1 == *kind), "{action:?} {kind}");
        }
    }
}

#[test]
fn roles_add_up() {
    let policy = Policy::open(None).unwrap();
    let both = caller(&[Role::Viewer, Role::Risk]);
    assert!(policy.check(&both, Action::SetLimits, &Resource::engine("alpha")).is_ok());
}

#[test]
fn a_kind_that_nobody_knows_is_denied_to_a_trader() {
    let policy = Policy::open(None).unwrap();
    let on = Resource::all().what("format_disk");
    assert!(policy.check(&caller(&[Role::Trader]), Action::Command, &on).is_err());
}

#[test]
fn a_forbid_beats_every_permit_and_is_named() {
    let own = format!(
        "{BUILT_IN}\n@id(\"freeze\")\nforbid (principal, action == Action::\"set_limits\", \
         resource == Engine::\"alpha\");"
    );
    let policy = Policy::parse(&own, "own").unwrap();
    let risk = caller(&[Role::Risk]);
    let denied = policy.check(&risk, Action::SetLimits, &Resource::engine("alpha")).unwrap_err();
    assert_eq!(denied.because, "forbidden by rule \"freeze\"");
    assert!(policy.check(&risk, Action::SetLimits, &Resource::engine("beta")).is_ok());
}

#[test]
fn what_a_configuration_changes_risk_and_admin_may() {
    let policy = Policy::open(None).unwrap();
    let kinds = [
        (Action::SetLimits, ""),
        (Action::SetParameters, ""),
        (Action::RollBack, "limits"),
        (Action::RollBack, "strategy"),
    ];
    for (action, what) in kinds {
        let on = Resource::engine("alpha").what(what).by_configuration();
        for (role, may) in [(Role::Viewer, false), (Role::Risk, true), (Role::Admin, true)] {
            assert_eq!(policy.check(&caller(&[role]), action, &on).is_ok(), may, "{action:?}");
        }
    }
}

#[test]
fn a_rule_about_one_engine_holds_for_all_of_them() {
    let own = format!(
        "{BUILT_IN}\n@id(\"stays\")\nforbid (principal, action == Action::\"release\", \
         resource == Engine::\"alpha\");"
    );
    let policy = Policy::parse(&own, "own").unwrap();
    let (risk, engines) = (caller(&[Role::Risk]), ["alpha", "beta"]);
    let asked = |on| policy.check_each(&risk, Action::Release, &Resource::engine(on), engines);
    assert_eq!(asked("*").unwrap_err().on.engine, "alpha");
    assert!(asked("alpha").is_err() && asked("beta").is_ok());
}

#[test]
fn one_person_may_be_named() {
    let own = "permit (principal == Person::\"alice\", action, resource);";
    let policy = Policy::parse(own, "own").unwrap();
    assert!(policy.check(&caller(&[Role::Viewer]), Action::Configure, &Resource::all()).is_ok());
    let bob = Caller { person: "bob".into(), ..caller(&[Role::Admin]) };
    assert!(policy.check(&bob, Action::Read, &Resource::all()).is_err(), "nothing permits it");
}

#[test]
fn a_wrong_policy_is_refused_with_its_line() {
    let cases = [
        ("\n\npermit (principal, action == Action::\"set_limit\", resource);", 3, "set_limit"),
        ("permit (principal in Role::\"boss\", action, resource);", 1, "boss"),
        ("permit (principal, action, resource)\nwhen { context.whatever };", 2, "whatever"),
        ("// nothing\n\npermit (principal action, resource);", 3, ""),
        ("permit (principal, action, resource)\nwhen { context.what > 3 };", 2, ""),
        ("", 1, "no rule"),
    ];
    for (text, line, part) in cases {
        let Err(error) = Policy::parse(text, "own.cedar") else { panic!("taken: {text}") };
        let said = error.to_string();
        println!("{said}");
        assert!(said.contains(&format!("own.cedar, line {line}:")), "{said}");
        assert!(said.contains(part), "{said}");
    }
    let missing = Policy::open(Some(Path::new("/nowhere/x.cedar"))).err().unwrap().to_string();
    assert!(missing.contains("policy.file /nowhere/x.cedar"), "{missing}");
}
