//! One small day in every container and form, user layouts, and damage of every kind.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use nofx_ticks::{
    Hole, Layout, Reason, SnapshotWriter, TickError, TickFile, TickOptions, TickWriter, is_ticks,
    open, read_bytes,
};
use nofx_types::{
    Date, Market, Nanos, OrderRef, Phase, Price, Pricing, Qty, Side, Symbol, TickKind,
};

const MERGED: &str = "\
BizIndex,Channel,SecurityID,TickTime,Type,BuyOrderNO,SellOrderNO,Price,Qty,TradeMoney,TickBSFlag
1,6,600519,9150000,S,0,0,0,0,0,OCALL
2,6,600519,9150000,A,0,30,1818880,100000,0,S
3,6,600519,9150028,A,31,0,1819000,200000,0,B
4,6,600519,9250008,T,31,30,1818880,100000,181888000000,N
6,6,600519,9300001,T,31,40,1819000,50000,90950000000,S
7,6,600519,9300500,D,31,0,0,50000,0,B
";

fn options() -> TickOptions {
    TickOptions { date: Date::new(2023, 2, 7), ..TickOptions::default() }
}

fn parsed(text: &str) -> TickFile {
    read_bytes(text.as_bytes(), &options()).expect("a known form")
}

fn written(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, bytes).expect("a temporary file");
    path
}

#[test]
fn merged_ticks_say_what_the_exchange_said() {
    let file = parsed(MERGED);
    assert_eq!((file.bad.total(), file.layouts.as_slice()), (0, &["sse-merged".to_owned()][..]));
    let kinds: Vec<_> = file.ticks.iter().map(|tick| tick.kind).collect();
    let order = |side| TickKind::Order { side, pricing: Pricing::Limit };
    assert_eq!(
        kinds,
        [
            TickKind::Phase(Phase::OpeningAuction),
            order(Side::Sell),
            order(Side::Buy),
            TickKind::Trade { aggressor: None },
            TickKind::Trade { aggressor: Some(Side::Sell) },
            TickKind::Cancel { side: Side::Buy },
        ]
    );
    let trade = file.ticks[4];
    assert_eq!((trade.bid, trade.offer), (OrderRef(31), OrderRef(40)));
    assert_eq!((trade.price, trade.qty, trade.seq), (Price(18_190_000), Qty(50), 6));
    assert_eq!(trade.exch_ns, Nanos(1_675_733_400_010_000_000));
    assert_eq!(file.ticks[5].order(Side::Buy), OrderRef(31));
}

#[test]
fn every_container_gives_the_same_ticks() {
    let dir = tempfile::tempdir().expect("a folder");
    let want = parsed(MERGED).ticks;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(MERGED.as_bytes()).expect("memory");
    let zstd = zstd::encode_all(MERGED.as_bytes(), 1).expect("memory");
    let zip = |entries: &[(&str, &str)]| {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, content) in entries {
            archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("memory");
            archive.write_all(content.as_bytes()).expect("memory");
        }
        archive.finish().expect("memory").into_inner()
    };
    let paths = [
        written(dir.path(), "plain", MERGED.as_bytes()),
        written(dir.path(), "gzip", &gzip.finish().expect("memory")),
        written(dir.path(), "zstd", &zstd),
        written(dir.path(), "one.zip", &zip(&[("day.csv", MERGED), ("readme.md", "no ticks")])),
    ];
    for path in &paths {
        assert!(is_ticks(path, None), "{path:?}");
        assert_eq!(open(std::slice::from_ref(path), &options()).expect("readable").ticks, want);
    }
    let two = written(dir.path(), "two.zip", &zip(&[("a.csv", MERGED), ("b.csv", "x,y\n1,2\n")]));
    let error = open(std::slice::from_ref(&two), &options()).expect_err("ambiguous").to_string();
    assert!(error.contains("a.csv") && error.contains("#entry"), "{error}");
    let named = PathBuf::from(format!("{}#a.csv", two.display()));
    assert_eq!(open(&[named], &options()).expect("readable").ticks, want);
    let named = PathBuf::from(format!("{}#c.csv", two.display()));
    assert!(matches!(open(&[named], &options()), Err(TickError::Zip { .. })));
    assert!(!is_ticks(&written(dir.path(), "other", b"x,y\n1,2\n"), None));
}

#[test]
fn lines_in_any_order_give_the_same_day() {
    let (head, rows) = MERGED.split_once('\n').expect("a header");
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.reverse();
    let file = parsed(&format!("{head}\n{}\n", rows.join("\n")));
    assert_eq!((file.ticks, file.unsorted), (parsed(MERGED).ticks, 5));
}

#[test]
fn each_kind_of_damage_is_counted_with_its_place_and_leaves_a_hole() {
    let good = parsed(MERGED).ticks;
    for (line, was, is, column, reason) in [
        (3, ",A,0,30", ",X,0,30", "Type", Reason::Code),
        (3, "1818880", "1818885", "Price", Reason::OffTick),
        (3, "1818880", "1818880.05", "Price", Reason::Scale),
        (3, "1818880", "18l8880", "Price", Reason::Number),
        (3, "1818880", "-1818880", "Price", Reason::Range),
        (4, "200000", "200050", "Qty", Reason::Scale),
        (4, "200000", "0", "Qty", Reason::Range),
        (4, "9150028", "9650028", "TickTime", Reason::Time),
        (5, "31,30", "31,0", "BuyOrderNO", Reason::Range),
        (6, ",S\n", ",Z\n", "TickBSFlag", Reason::Code),
        (6, ",90950000000,S\n", "\n", "TickBSFlag", Reason::Missing),
    ] {
        let (head, tail) =
            MERGED.split_at(MERGED.match_indices('\n').nth(line - 2).expect("a line").0 + 1);
        let damaged = format!("{head}{}", tail.replacen(was, is, 1));
        assert_ne!(damaged, MERGED, "{was}");
        let file = parsed(&damaged);
        let [bad] = file.bad.first() else { panic!("{was}: {:?}", file.bad.first()) };
        assert_eq!(
            (bad.line, bad.column.as_str(), bad.reason),
            (line as u64, column, reason),
            "{bad}"
        );
        let symbol = Symbol::new("600519");
        assert_eq!(file.holes, [Hole { before: line - 2, symbol }], "{bad}");
        let mut rest = good.clone();
        rest.remove(line - 2);
        assert_eq!(file.ticks, rest, "{bad}");
    }
}

#[test]
fn a_row_that_does_not_say_whose_or_where_spoils_all_that_it_may_concern() {
    let file = parsed(&MERGED.replacen("3,6,600519,", "3,6,,", 1));
    assert_eq!(file.holes, [Hole { before: 2, symbol: None }]);
    let file = parsed(&MERGED.replacen("3,6,600519,", "x,6,600519,", 1));
    assert_eq!(file.holes, [Hole { before: 0, symbol: Symbol::new("600519") }]);
    assert_eq!((file.bad.of(Reason::Number), file.ticks.len()), (1, 5));
}

#[test]
fn a_number_that_comes_twice_is_a_copy_or_a_contradiction() {
    let copy = "7,6,600519,9300500,D,31,0,0,50000,0,B\n";
    let file = parsed(&format!("{MERGED}{copy}"));
    assert_eq!((file.bad.of(Reason::Duplicate), file.holes.len(), file.ticks.len()), (1, 0, 6));
    let other = "7,6,600519,9300500,D,31,0,0,40000,0,B\n";
    let file = parsed(&format!("{MERGED}{other}"));
    assert_eq!((file.bad.of(Reason::Repeat), file.ticks.len()), (1, 6));
    assert_eq!(file.holes, [Hole { before: 6, symbol: Symbol::new("600519") }]);
}

#[test]
fn channels_are_joined_by_time_and_stay_in_order_inside() {
    let text = "\
BizIndex,Channel,SecurityID,TickTime,Type,BuyOrderNO,SellOrderNO,Price,Qty,TradeMoney,TickBSFlag
1,1,600000,9300000,A,1,0,10000,100000,0,B
2,1,600000,9300300,A,2,0,10000,100000,0,B
3,1,600000,9300100,A,3,0,10000,100000,0,B
1,2,600001,9300200,A,1,0,10000,100000,0,B
2,2,600001,9300400,A,2,0,10000,100000,0,B
";
    let order: Vec<_> = parsed(text).ticks.iter().map(|t| (t.channel, t.seq)).collect();
    assert_eq!(order, [(1, 1), (2, 1), (1, 2), (1, 3), (2, 2)]);
}

const USER: &str = r#"
market = "szse"
[ticks]
time = "YYYYMMDDHHMMSSmmm"
price_scale = 10000
qty_scale = 100
[ticks.columns]
seq = "no"
symbol = "code"
time = "t"
kind = "what"
side = "bs"
bid = "b"
offer = "o"
price = "p"
qty = "v"
[ticks.kinds]
1 = "market"
2 = "limit"
U = "own_best"
F = "trade"
4 = "cancel"
[ticks.sides]
1 = "buy"
2 = "sell"
"#;

#[test]
fn a_layout_of_ones_own_needs_no_code() {
    let layout = Layout::parse(USER, "map.toml").expect("a layout");
    let options = TickOptions { layout: Some(layout), ..TickOptions::default() };
    let text = "no,code,t,what,bs,b,o,p,v,extra\n\
                1,1,20220601091500040,2,1,1,0,123400,20000,x\n\
                2,000001,20220601093000040,1,2,0,2,0,10000,x\n\
                3,000001,20220601093000040,F,,1,2,123400,10000,x\n\
                4,000001,20220601093000050,U,2,0,4,0,10000,x\n\
                5,000001,20220601093000060,4,1,1,0,0,10000,x\n";
    let file = read_bytes(text.as_bytes(), &options).expect("fits");
    assert_eq!(file.bad.total(), 0, "{:?}", file.bad.first());
    assert!(file.ticks.iter().all(|t| t.symbol.as_str() == "000001"), "zeros are put in front");
    let own_best = TickKind::Order { side: Side::Sell, pricing: Pricing::OwnBest };
    assert_eq!(
        (file.ticks[3].kind, file.ticks[3].offer, file.ticks[3].qty),
        (own_best, OrderRef(4), Qty(100))
    );
    assert_eq!(file.ticks[2].kind, TickKind::Trade { aggressor: None });
    assert_eq!((file.ticks[0].price, file.market().ok()), (Price(123_400), Some(Market::Szse)));
    assert!(read_bytes(b"no,code\n1,2\n", &options).is_none(), "columns are missing");
}

#[test]
fn a_layout_that_cannot_be_used_names_its_key() {
    for (from, to, key) in [
        ("price_scale = 10000", "price_scale = 12", "ticks.price_scale"),
        ("[ticks.sides]\n1 = \"buy\"\n2 = \"sell\"", "", "sides"),
        ("kind = \"what\"", "", "kind"),
        ("bid = \"b\"", "bidd = \"b\"", "bidd"),
        ("\"limit\"", "\"limits\"", "limits"),
    ] {
        let text = USER.replacen(from, to, 1);
        assert_ne!(text, USER);
        let error = Layout::parse(&text, "map.toml").expect_err(key).to_string();
        assert!(error.contains("map.toml") && error.contains(key), "{key}: {error}");
    }
}

#[test]
fn our_own_form_loses_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let (ticks, snapshots) = (dir.path().join("ticks.csv"), dir.path().join("snapshots.csv"));
    let mut file = parsed(MERGED);
    let mut extra = file.ticks[0];
    for (n, kind) in [
        TickKind::Order { side: Side::Buy, pricing: Pricing::Market },
        TickKind::Order { side: Side::Sell, pricing: Pricing::OwnBest },
        TickKind::Trade { aggressor: Some(Side::Buy) },
        TickKind::Phase(Phase::ClosingAuction),
    ]
    .into_iter()
    .enumerate()
    {
        let is = |wanted: bool, value: u64| if wanted { value } else { 0 };
        let phase = matches!(kind, TickKind::Phase(_));
        let trade = matches!(kind, TickKind::Trade { .. });
        let sell = matches!(kind, TickKind::Order { side: Side::Sell, .. });
        extra.seq = 100 + n as u64;
        extra.kind = kind;
        extra.bid = OrderRef(is(trade || (!sell && !phase), u64::MAX));
        extra.offer = OrderRef(is(trade || sell, 9));
        extra.qty = Qty(is(!phase, u64::from(u32::MAX)));
        extra.price = Price(is(trade, 18_190_100) as i64);
        file.ticks.push(extra);
    }
    let mut writer = TickWriter::create(&ticks, Market::Sse).expect("a file");
    file.ticks.iter().for_each(|tick| writer.write(tick).expect("written"));
    writer.finish().expect("whole");
    let mut snapshot = nofx_ticks::Snapshot {
        symbol: Symbol::new("600519").expect("a code"),
        exch_ns: Nanos(1_675_733_400_000_000_000),
        num_trades: 12,
        volume: Qty(3_400),
        value_e4: 61_500_000_001,
        last: Price(18_190_000),
        previous_close: Price(17_950_000),
        limit_low: Price(16_155_000),
        limit_high: Price(19_745_000),
        phase: Phase::Continuous,
        levels: Default::default(),
    };
    snapshot.levels[1][9] = nofx_types::Level { price: Price(18_200_000), qty: Qty(7), orders: 2 };
    let mut writer = SnapshotWriter::create(&snapshots, Market::Sse).expect("a file");
    writer.write(&snapshot).expect("written");
    writer.finish().expect("whole");
    let read = open(&[ticks, snapshots], &TickOptions::default()).expect("readable");
    assert_eq!(read.bad.total(), 0, "{:?}", read.bad.first());
    assert_eq!((read.ticks, read.snapshots), (file.ticks, vec![snapshot]));
}

#[test]
fn parquet_says_the_same_as_csv() {
    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
    let schema = "message day { required int64 no; required binary code (UTF8); required int64 t \
                  (TIMESTAMP(MICROS,true)); required binary what (UTF8); required binary bs (UTF8); \
                  required int64 b; required int64 o; required double p; required int64 v; }";
    let schema = parquet::schema::parser::parse_message_type(schema).expect("a schema");
    let mut bytes = Vec::new();
    let mut file = parquet::file::writer::SerializedFileWriter::new(
        &mut bytes,
        schema.into(),
        Default::default(),
    )
    .expect("memory");
    let mut group = file.next_row_group().expect("memory");
    let texts = |values: &[&str]| values.iter().map(|v| ByteArray::from(*v)).collect::<Vec<_>>();
    for column in 0..9 {
        let mut writer = group.next_column().expect("memory").expect("a column");
        let longs: [i64; 2] = match column {
            0 => [1, 2],
            2 => [1_654_046_100_040_000, 1_654_046_100_050_000],
            5 => [1, 0],
            6 => [0, 2],
            _ => [200, 100],
        };
        let result = match column {
            1 => writer.typed::<ByteArrayType>().write_batch(
                &texts(&["000001", "000001"]),
                None,
                None,
            ),
            3 => writer.typed::<ByteArrayType>().write_batch(&texts(&["2", "2"]), None, None),
            4 => writer.typed::<ByteArrayType>().write_batch(&texts(&["1", "2"]), None, None),
            7 => writer.typed::<DoubleType>().write_batch(&[15.93, 12.35], None, None),
            _ => writer.typed::<Int64Type>().write_batch(&longs, None, None),
        };
        result.expect("memory");
        writer.close().expect("memory");
    }
    group.close().expect("memory");
    file.close().expect("memory");
    let text = USER
        .replace("YYYYMMDDHHMMSSmmm", "epoch_us")
        .replace("price_scale = 10000", "price_scale = 1")
        .replace("qty_scale = 100", "qty_scale = 1");
    let layout = Layout::parse(&text, "map.toml").expect("a layout");
    let options = TickOptions { layout: Some(layout), ..TickOptions::default() };
    let from_parquet = read_bytes(&bytes, &options).expect("fits");
    let csv = "no,code,t,what,bs,b,o,p,v\n1,000001,1654046100040000,2,1,1,0,15.93,200\n\
               2,000001,1654046100050000,2,2,0,2,12.35,100\n";
    let from_csv = read_bytes(csv.as_bytes(), &options).expect("fits");
    assert_eq!(from_parquet.bad.total(), 0, "{:?}", from_parquet.bad.first());
    assert_eq!((from_parquet.ticks.len(), from_parquet.ticks), (2, from_csv.ticks));
    for end in (0..bytes.len()).step_by(7) {
        let _ = read_bytes(&bytes[..end], &options); // an error, never a panic
    }
}

#[test]
fn a_file_cut_anywhere_gives_its_whole_rows() {
    let whole = parsed(MERGED).ticks;
    for end in 0..MERGED.len() {
        if let Some(file) = read_bytes(&MERGED.as_bytes()[..end], &options()) {
            let agree = file.ticks.iter().zip(&whole).filter(|(a, b)| a == b).count();
            assert!(file.ticks.len() - agree <= 1, "at most the cut row differs, cut at {end}");
        }
    }
}

#[test]
fn a_file_without_a_day_asks_for_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = written(dir.path(), "ticks.csv", MERGED.as_bytes());
    let error = open(&[path], &TickOptions::default()).expect_err("no day").to_string();
    assert!(error.contains("ticks.date"), "{error}");
    let path = written(dir.path(), "ticks-20230207.csv", MERGED.as_bytes());
    assert_eq!(open(&[path], &TickOptions::default()).expect("a day").ticks, parsed(MERGED).ticks);
}
