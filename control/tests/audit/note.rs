//! Signed heads against the published examples of C2SP and Go's note package, and against `openssl`;
//! the canonical form against RFC 8785.

use std::process::Command;

use nofx_control::audit::{
    Checkpoint, Entry, Hash, Head, Signer, Verifier, encode, leaf_hash, open_note,
};
use serde_json::{Value, json};

use crate::place::Place;

/// The example of golang.org/x/mod/sumdb/note.
const NEUMANN: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn the_published_note_verifies_and_no_bent_one_does() {
    let key = Verifier::parse(NEUMANN).expect("a key");
    assert_eq!(key.vkey("PeterNeumann"), NEUMANN);
    let (text, _) = NOTE.split_once("\n\u{2014}").expect("two parts");
    assert_eq!(open_note(NOTE, &key), Ok(text));
    for at in 0..NOTE.len() {
        let mut bytes = NOTE.as_bytes().to_vec();
        bytes[at] ^= 1;
        let Ok(bent) = String::from_utf8(bytes) else { continue };
        assert!(open_note(&bent, &key).is_err(), "byte {at}: {bent}");
    }
    for cut in 0..NOTE.len() {
        assert!(NOTE.get(..cut).is_none_or(|note| open_note(note, &key).is_err()), "cut at {cut}");
    }
    // Lines of other keys are passed over; the same name with another id is another key.
    let more = format!(
        "{NOTE}\u{2014} EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
    );
    assert_eq!(open_note(&more, &key), Ok(text));
    assert!(open_note("x\n\n\u{2014} PeterNeumann AAAA\n", &key).is_err());
}

#[test]
fn keys_that_are_none_are_refused() {
    for text in ["", "a+b+c", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"]
    {
        assert_eq!(Verifier::parse(text), None, "{text}");
    }
}

#[test]
fn openssl_verifies_a_head_and_makes_keys() {
    let place = Place::with_records(5);
    let notes = std::fs::read_to_string(place.path("heads.txt")).expect("heads");
    let (text, signature) = notes.trim_end().rsplit_once("\n\n").expect("a note");
    let text = format!("{}\n", text.rsplit("\n\n").next().expect("the last"));
    let base64 = signature.rsplit(' ').next().expect("base64");
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(base64).expect("base64");
    std::fs::write(place.path("text"), &text).expect("written");
    std::fs::write(place.path("signature"), &bytes[4..]).expect("written");
    let verify = |file: &str| {
        let output = Command::new("openssl")
            .args(["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "key.pub", "-in", file])
            .args(["-sigfile", "signature"])
            .current_dir(place.folder.path())
            .output();
        output.expect("openssl runs").status.success()
    };
    assert!(verify("text"));
    std::fs::write(place.path("other"), text.replace("\n5\n", "\n6\n")).expect("written");
    assert!(!verify("other"));

    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "ed25519", "-out"])
        .arg(place.path("new.pem"))
        .output();
    assert!(made.expect("openssl runs").status.success());
    let signer = Signer::load(&place.path("new.pem"), "name").expect("a key of openssl");
    let public = Command::new("openssl")
        .args(["pkey", "-pubout", "-in"])
        .arg(place.path("new.pem"))
        .output();
    let public = String::from_utf8(public.expect("openssl runs").stdout).expect("PEM");
    assert_eq!(signer.verifier().pem(), public);
    let head = Head { size: 7, root: leaf_hash(b"seven") };
    let point = Checkpoint { origin: "name".into(), head };
    let note = point.sign(&signer);
    assert_eq!(Checkpoint::open(&note, &Verifier::parse(&public).expect("a key")), Ok(point));
}

/// The canonical form of what stands in `after`.
fn canonical(value: Value) -> String {
    let text = encode(Entry { after: value, ..Entry::default() }).expect("encoded");
    let rest = text.strip_prefix(r#"{"action":"","after":"#).expect("the first keys");
    let end = rest.rfind(r#","before":null,"clock_error_ns":null"#).expect("the next keys");
    rest[..end].to_owned()
}

#[test]
fn the_canonical_form_is_that_of_rfc_8785() {
    // 3.2.2 and 3.2.4: the sample with numbers, strings and literals.
    let sample = r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
        "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#;
    let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
        \"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
    assert_eq!(canonical(serde_json::from_str(sample).expect("JSON")), expected);
    // 3.2.3: keys in the order of their UTF-16 units.
    let sample = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
        "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
    let text = canonical(serde_json::from_str(sample).expect("JSON"));
    let order = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"];
    let places: Vec<_> = order.iter().map(|word| text.find(word).expect("there")).collect();
    assert!(places.is_sorted(), "{text}");
    // Appendix B: bits of a double and how it is written.
    for (bits, expected) in [
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ] {
        assert_eq!(canonical(json!(f64::from_bits(bits))), expected, "{bits:x}");
    }
}

/// A double cannot hold them, so they are written as text (RFC 7493, 2.2), and nothing is lost.
#[test]
fn large_integers_are_kept_exactly() {
    assert_eq!(canonical(json!(i64::MAX)), "\"9223372036854775807\"");
    assert_eq!(canonical(json!(i64::MIN)), "\"-9223372036854775808\"");
    assert_eq!(canonical(json!(u64::MAX)), "\"18446744073709551615\"");
    assert_eq!(
        canonical(json!([1_u64 << 53, (1_u64 << 53) - 1])),
        "[\"9007199254740992\",9007199254740991]"
    );
    let odd = (1_u64 << 53) + 1;
    assert_eq!(canonical(json!({ "a": [{ "b": odd }] })), "{\"a\":[{\"b\":\"9007199254740993\"}]}");
}

#[test]
fn hashes_are_read_strictly() {
    for text in ["", "AAAA", "!", &"A".repeat(44), &"A".repeat(100)] {
        assert_eq!(Hash::parse(text), None, "{text}");
    }
}
