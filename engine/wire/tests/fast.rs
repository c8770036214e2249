//! FAST against an encoder written apart from it (`vectors/fast.py`), cut and damaged anywhere; and
//! ticks of Shanghai through envelope and template.

use nofx_types::{Nanos, OrderRef, Phase, Price, Qty, Side, Tick, TickKind};
use nofx_wire::fast::sse::TickFields;
use nofx_wire::fast::{Decoder, FastError, FastSink, Templates, Value};
use nofx_wire::step;

const TEMPLATE: &str = r#"<templates xmlns="http://www.fixprotocol.org/ns/fast/td/1.1">
  <template name="all" id="1">
    <uInt32 name="u32"/>
    <uInt64 name="u64" presence="optional"/>
    <int32 name="i32"/>
    <int64 name="i64" presence="optional"/>
    <uInt32 name="const"><constant value="5"/></uInt32>
    <uInt32 name="maybe" presence="optional"><constant value="7"/></uInt32>
    <uInt32 name="copy"><copy/></uInt32>
    <int32 name="copyo" presence="optional"><copy/></int32>
    <uInt32 name="default"><default value="9"/></uInt32>
    <uInt32 name="defaulto" presence="optional"><default/></uInt32>
    <uInt32 name="inc"><increment value="1"/></uInt32>
    <int32 name="delta"><delta/></int32>
    <uInt32 name="deltao" presence="optional"><delta/></uInt32>
    <string name="text"/>
    <string name="texto" presence="optional"/>
    <string name="textd"><delta/></string>
    <string name="tail"><tail/></string>
    <byteVector name="bytes" presence="optional"/>
    <decimal name="price"/>
    <decimal name="priced"><delta/></decimal>
  </template>
  <template name="head"><uInt32 name="time"><copy/></uInt32></template>
  <template name="nested" id="2">
    <templateRef name="head"/>
    <sequence name="rows"><length name="n"/>
      <uInt32 name="a"><copy/></uInt32><string name="b" presence="optional"/>
    </sequence>
    <group name="g" presence="optional"><uInt32 name="c"/></group>
    <decimal name="d" presence="optional"><exponent><default value="-2"/></exponent><mantissa><delta/></mantissa></decimal>
  </template>
</templates>"#;

const VECTORS: &str = include_str!("vectors/fast.txt");

#[derive(Default)]
struct Words(Vec<String>);

impl FastSink for Words {
    fn value(&mut self, name: &str, value: Value<'_>) {
        let value = match value {
            Value::Absent => "-".into(),
            Value::Number(number) => number.to_string(),
            Value::Decimal { mantissa, exponent } => format!("({mantissa},{exponent})"),
            Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        };
        self.0.push(format!("{name}:{value}"));
    }

    fn sequence(&mut self, name: &str, length: u32) {
        self.0.push(format!("{name}[{length}"));
    }

    fn sequence_end(&mut self) {
        self.0.push("]".into());
    }
}

fn decoder() -> Decoder {
    Decoder::new(Templates::parse(TEMPLATE).expect("templates"))
}

fn hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    digits.map(|pair| u8::from_str_radix(pair, 16).expect("hex")).collect()
}

fn vectors() -> Vec<(Vec<u8>, String)> {
    let lines = VECTORS.lines().map(|line| line.split_once(" = ").expect("a vector"));
    lines.map(|(bytes, says)| (hex(bytes), says.replace(", ", ","))).collect()
}

#[test]
fn every_vector_decodes_to_what_was_encoded() {
    let mut decoder = decoder();
    for (number, (bytes, says)) in vectors().into_iter().enumerate() {
        let mut words = Words::default();
        let rest = decoder.message(&bytes, &mut words);
        assert_eq!(rest, Ok(&b""[..]), "vector {number}");
        assert_eq!(words.0.join(" "), says, "vector {number}");
    }
}

#[test]
fn a_message_cut_anywhere_says_so_and_damage_never_panics() {
    let vectors = vectors();
    let (first, _) = &vectors[0];
    for end in 0..first.len() {
        assert_eq!(decoder().message(&first[..end], &mut Words::default()), Err(FastError::Cut));
    }
    for (bytes, _) in &vectors {
        for at in 0..bytes.len() {
            for mask in [0x80, 0x40, 0x01, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] ^= mask;
                let _ = decoder().message(&damaged, &mut Words::default());
            }
        }
    }
}

#[test]
fn sequences_groups_references_and_split_decimals() {
    let mut decoder = decoder();
    let mut say = |bytes: &[u8]| {
        let mut words = Words::default();
        let rest = decoder.message(bytes, &mut words).map(<[u8]>::len);
        (words.0.join(" "), rest)
    };
    // Bits: template, time, group, exponent. Two rows, the second copies `a`.
    let whole = [0xf8, 0x82, 0x87, 0x82, 0xc0, 0x85, 0x41, 0xc2, 0x80, 0x80, 0x89, 0xfd, 0x8a];
    assert_eq!(say(&whole), ("time:7 rows[2 a:5 b:AB a:5 b:- ] c:9 d:(10,-3)".into(), Ok(0)));
    let short = [0x80, 0x80, 0x81, 0xaa];
    assert_eq!(say(&short), ("time:7 rows[0 ] d:(11,-2)".into(), Ok(1)), "all as before");
    let long = [0xc0, 0x82, 0x0f, 0x7f, 0x7f, 0x7f, 0xff];
    assert_eq!(say(&long).1, Err(FastError::TooLong), "sequences have an end");
    assert_eq!(say(&[0xc0, 0x89]).1, Err(FastError::Template(9)));
}

#[test]
fn templates_that_cannot_be_used_name_the_field() {
    for (from, to, want) in [
        ("<uInt32 name=\"u32\"/>", "<uInt16 name=\"u32\"/>", "u32"),
        ("<constant value=\"5\"/>", "<constant/>", "const"),
        ("<default value=\"9\"/>", "<default value=\"x\"/>", "default"),
        ("<templateRef name=\"head\"/>", "<templateRef/>", "nested"),
        ("<templateRef name=\"head\"/>", "<templateRef name=\"nested\"/>", "nested"),
        ("id=\"1\"", "id=\"one\"", "all"),
        ("</templates>", "", "xml"),
    ] {
        let text = TEMPLATE.replacen(from, to, 1);
        let error = Templates::parse(&text).expect_err(want).to_string();
        assert!(error.contains(want), "{want}: {error}");
    }
}

/// Operators are ours: the exchange's template is not public.
const MERGED: &str = r#"<templates><template name="UA5803" id="5803">
  <int64 name="BizIndex"/><int32 name="Channel"/><string name="SecurityID"/><int32 name="TickTime"/>
  <string name="Type"/><int64 name="BuyOrderNO"/><int64 name="SellOrderNO"/><int32 name="Price"/>
  <int64 name="Qty"/><int64 name="TradeMoney"/><string name="TickBSFlag"/>
</template></templates>"#;

fn signed(number: i64) -> Vec<u8> {
    let mut bytes = vec![(number & 0x7f) as u8 | 0x80];
    let mut rest = number >> 7;
    while !(rest == 0 && bytes[0] & 0x40 == 0) {
        bytes.insert(0, (rest & 0x7f) as u8);
        rest >>= 7;
    }
    bytes
}

fn ascii(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    *bytes.last_mut().expect("not empty") |= 0x80;
    bytes
}

fn merged(
    seq: i64,
    time: i64,
    kind: &str,
    ids: [i64; 2],
    price: i64,
    qty: i64,
    flag: &str,
) -> Vec<u8> {
    let [bid, offer] = ids;
    [
        vec![0xc0, 0x2d, 0xab], // template 5803
        signed(seq),
        signed(6),
        ascii("600519"),
        signed(time),
        ascii(kind),
        signed(bid),
        signed(offer),
        signed(price),
        signed(qty),
        signed(0),
        ascii(flag),
    ]
    .concat()
}

#[test]
fn ticks_of_shanghai_come_out_of_their_envelope() {
    let raw = [
        merged(1, 9_150_000, "S", [0, 0], 0, 0, "OCALL"),
        merged(2, 9_150_028, "A", [0, 30], 1_818_880, 100_000, "S"),
        merged(3, 9_300_001, "T", [31, 30], 1_818_880, 50_000, "B"),
        merged(4, 9_300_002, "D", [0, 30], 0, 50_000, "S"),
        merged(5, 9_300_003, "A", [0, 0], 1_818_880, 50_000, "S"), // no order
        merged(6, 9_660_003, "T", [31, 30], 1_818_880, 50_000, "B"), // no time
    ]
    .concat();
    let mut body = format!("35=UA5803\u{1}95={}\u{1}96=", raw.len()).into_bytes();
    body.extend(&raw);
    body.push(step::SOH);
    let mut bytes = format!("8=STEP.1.0.0\u{1}9={}\u{1}", body.len()).into_bytes();
    bytes.extend(body);
    let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    bytes.extend(format!("10={sum:03}\u{1}").into_bytes());
    let (message, _) = step::next_message(&bytes).expect("sound").expect("whole");
    assert_eq!((message.kind, message.raw), (&b"UA5803"[..], raw.as_slice()));

    let mut ticks: Vec<Tick> = Vec::new();
    let mut decoder = Decoder::new(Templates::parse(MERGED).expect("a template"));
    let mut fields = TickFields::new(1_000, |tick: &Tick| ticks.push(*tick));
    let mut rest = message.raw;
    while !rest.is_empty() {
        rest = decoder.message(rest, &mut fields).expect("sound");
    }
    assert_eq!(fields.bad(), 2);
    let kinds: Vec<TickKind> = ticks.iter().map(|tick| tick.kind).collect();
    assert_eq!(kinds[0], TickKind::Phase(Phase::OpeningAuction));
    assert_eq!(kinds[2], TickKind::Trade { aggressor: Some(Side::Buy) });
    assert_eq!(kinds[3], TickKind::Cancel { side: Side::Sell });
    let add = ticks[1];
    assert_eq!(
        (add.channel, add.seq, add.offer, add.price),
        (6, 2, OrderRef(30), Price(18_188_800))
    );
    assert_eq!((add.qty, add.exch_ns), (Qty(100), Nanos(1_000 + 33_300_280_000_000)));
    assert_eq!((ticks.len(), ticks[3].qty), (4, Qty(50)));
}

#[path = "../../../fuzz/src/fast.rs"]
mod checks;

#[test]
fn seeds_of_the_fuzzer_and_damage_to_them_pass() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/fast");
    let entries = std::fs::read_dir(folder).expect("the seed corpus is part of the tree");
    for entry in entries {
        let seed = std::fs::read(entry.expect("an entry").path()).expect("a readable seed");
        checks::fast(&seed);
        for at in 0..seed.len() {
            for mask in [0x80, 0x7f, 0x01] {
                let mut damaged = seed.clone();
                damaged[at] ^= mask;
                checks::fast(&damaged);
                checks::fast(&damaged[..at]);
            }
        }
    }
}
