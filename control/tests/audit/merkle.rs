//! The tree against the definitions of RFC 9162 written down naively, against roots of the public
//! 8-leaf example, and against vectors.

use std::convert::Infallible;
use std::path::Path;

use nofx_control::audit::{
    Frontier, Hash, Head, Nodes, check_consistency, check_inclusion, consistency, empty_root,
    inclusion, leaf_hash, node_hash, range_root,
};
use serde_json::Value;

use crate::place::Dice;

/// `MTH` of RFC 9162, 2.1.1, word by word.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(many.len().next_power_of_two() / 2);
            node_hash(mth(left), mth(right))
        }
    }
}

/// `PATH` of RFC 9162, 2.1.3.1.
fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(k);
    if m < k {
        [path(m, left), vec![mth(right)]].concat()
    } else {
        [path(m - k, right), vec![mth(left)]].concat()
    }
}

/// `SUBPROOF` of RFC 9162, 2.1.4.1.
fn subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole { Vec::new() } else { vec![mth(leaves)] };
    }
    let k = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(k);
    if m <= k {
        [subproof(m, left, whole), vec![mth(right)]].concat()
    } else {
        [subproof(m - k, right, false), vec![mth(left)]].concat()
    }
}

/// Nodes computed from leaves at hand.
struct Leaves(Vec<Hash>);

impl Nodes for Leaves {
    type Error = Infallible;
    fn node(&self, level: u32, index: u64) -> Result<Hash, Infallible> {
        let width = 1_usize << level;
        let from = index as usize * width;
        Ok(mth(&self.0[from..from + width]))
    }
}

fn leaves(count: u64) -> Leaves {
    Leaves((0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect())
}

fn ok<T>(result: Result<T, Infallible>) -> T {
    let Ok(value) = result;
    value
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    (0..text.len()).step_by(2).map(digit).collect()
}

#[test]
fn the_eight_leaves_have_the_published_roots() {
    let inputs = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut frontier = Frontier::default();
    for (size, root) in roots.iter().enumerate() {
        assert_eq!(frontier.root().0.to_vec(), hex(root), "root of {size} leaves");
        if let Some(input) = inputs.get(size) {
            frontier.push(leaf_hash(&hex(input)), |_, _, _| ());
        }
    }
}

#[test]
fn roots_and_proofs_are_those_of_the_naive_tree() {
    let all = leaves(70);
    let mut frontier = Frontier::default();
    for size in 1..=70_u64 {
        frontier.push(all.0[size as usize - 1], |level, at, hash| {
            assert_eq!(hash, ok(all.node(level, at)), "node {level} {at}");
        });
        let now = &all.0[..size as usize];
        let root = mth(now);
        assert_eq!(frontier.root(), root);
        assert_eq!(ok(range_root(&all, 0, size)), root);
        assert_eq!(ok(Frontier::load(&all, size)), frontier);
        for index in 0..size {
            let proof = ok(inclusion(&all, index, size));
            assert_eq!(proof, path(index as usize, now), "path of {index} in {size}");
            assert!(check_inclusion(now[index as usize], index, size, &proof, root));
        }
        for old in 1..=size {
            let proof = ok(consistency(&all, old, size));
            assert_eq!(proof, subproof(old as usize, now, true), "{old} to {size}");
            let old = Head { size: old, root: mth(&now[..old as usize]) };
            assert!(check_consistency(old, Head { size, root }, &proof));
        }
    }
}

/// Every way to bend a proof makes it fail.
#[test]
fn bent_proofs_are_refused() {
    let all = leaves(33);
    let mut dice = Dice(0x5eed);
    for size in 2..=33_u64 {
        let root = mth(&all.0[..size as usize]);
        let index = dice.below(size);
        let leaf = all.0[index as usize];
        let proof = ok(inclusion(&all, index, size));
        for bent in bends(&proof, &mut dice) {
            assert!(!check_inclusion(leaf, index, size, &bent, root), "{index} of {size}");
        }
        let other = (index + 1 + dice.below(size - 1)) % size;
        assert!(!check_inclusion(leaf, other, size, &proof, root) || all.0[other as usize] == leaf);
        assert!(!check_inclusion(leaf_hash(b"other"), index, size, &proof, root));
        assert!(!check_inclusion(leaf, size, size, &proof, root));

        let old = 1 + dice.below(size - 1);
        let (new, head) =
            (Head { size, root }, Head { size: old, root: mth(&all.0[..old as usize]) });
        let proof = ok(consistency(&all, old, size));
        for bent in bends(&proof, &mut dice) {
            assert!(!check_consistency(head, new, &bent), "{old} to {size}");
        }
        assert!(!check_consistency(Head { root: leaf_hash(b"x"), ..head }, new, &proof));
        assert!(!check_consistency(head, Head { root: leaf_hash(b"x"), ..new }, &proof));
        assert!(!check_consistency(new, head, &proof));
    }
}

fn bends(proof: &[Hash], dice: &mut Dice) -> Vec<Vec<Hash>> {
    let mut bent = Vec::new();
    for at in 0..proof.len() {
        let mut flipped = proof.to_vec();
        flipped[at].0[dice.below(32) as usize] ^= 1 << dice.below(8);
        bent.push(flipped);
        let mut without = proof.to_vec();
        without.remove(at);
        bent.push(without);
    }
    for at in 0..=proof.len() {
        let mut with = proof.to_vec();
        with.insert(at, leaf_hash(b"inserted"));
        bent.push(with);
    }
    bent
}

/// Vectors made by `merkle_vectors.py` from the definitions, in the form of the public test data of
/// transparency-dev/merkle; a folder of those in `NOFX_MERKLE_VECTORS` is checked as well.
#[test]
fn vectors() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/audit/merkle-vectors.json");
    let text = std::fs::read_to_string(own).expect("own vectors");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    assert_eq!(cases.len(), 208);
    cases.iter().for_each(check_vector);
    if let Some(folder) = std::env::var_os("NOFX_MERKLE_VECTORS") {
        let counts = ["inclusion", "consistency"].map(|kind| {
            let files = files(&Path::new(&folder).join(kind));
            files.iter().for_each(|file| {
                let text = std::fs::read_to_string(file).expect("a vector");
                check_vector(&serde_json::from_str(&text).expect("JSON"));
            });
            files.len()
        });
        println!("public vectors: {} inclusion, {} consistency", counts[0], counts[1]);
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("one").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Stands for a root in public cases of two equal trees. Here a root has 32 bytes by its type.
const NO_ROOT: &str = "ZG9uJ3QgY2FyZSAy";

fn check_vector(case: &Value) {
    let number = |key: &str| case[key].as_u64().expect("a number");
    // A value that is no hash cannot get as far as the check: it is refused when it is read.
    let hash = |value: &Value| value.as_str().and_then(Hash::parse);
    let proof: Option<Vec<Hash>> = match case["proof"].as_array() {
        Some(hashes) => hashes.iter().map(hash).collect(),
        None => Some(Vec::new()),
    };
    let holds = if case.get("leafIdx").is_some() {
        let parts = hash(&case["leafHash"]).zip(proof).zip(hash(&case["root"]));
        parts.is_some_and(|((leaf, proof), root)| {
            check_inclusion(leaf, number("leafIdx"), number("treeSize"), &proof, root)
        })
    } else {
        if case["root1"].as_str() == Some(NO_ROOT) && number("size1") == number("size2") {
            return;
        }
        let parts = hash(&case["root1"]).zip(proof).zip(hash(&case["root2"]));
        parts.is_some_and(|((old, proof), new)| {
            let old = Head { size: number("size1"), root: old };
            check_consistency(old, Head { size: number("size2"), root: new }, &proof)
        })
    };
    assert_eq!(holds, !case["wantErr"].as_bool().expect("wantErr"), "{case:#}");
}
