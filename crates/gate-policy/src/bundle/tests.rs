//! What the loaders take, and what they refuse by name.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use super::*;

const DATA: &str = r#"{"limits":{"default":{}}}"#;

fn pack(entries: &[(&str, &str)]) -> Vec<u8> {
    let entries = entries
        .iter()
        .map(|(path, text)| (*path, EntryType::Regular, *text));
    gzip(&tarball(entries))
}

/// A tar whose names are written as they are, `..` and all.
fn tarball<'a>(entries: impl IntoIterator<Item = (&'a str, EntryType, &'a str)>) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (path, kind, text) in entries {
        let mut header = Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_size(text.len() as u64);
        if kind == EntryType::Symlink || kind == EntryType::Link {
            header.set_size(0);
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        let content = if header.size().unwrap() == 0 {
            ""
        } else {
            text
        };
        builder.append(&header, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn refused(result: Result<Bundle, BundleError>) -> String {
    match result {
        Ok(bundle) => format!("taken: {:?}", bundle.paths().collect::<Vec<_>>()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn directory_archive_and_files_are_one_bundle() {
    let files = [
        (".manifest", r#"{"revision":"r1"}"#),
        ("data.json", DATA),
        ("more/data.json", r#"{"x":1.50}"#),
        (
            "policy/gate.rego",
            "package gate\ndecision := {\"allow\": true, \"reasons\": []}",
        ),
        ("README.md", "no part of a bundle"),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::fs::create_dir_all(dir.path().join(".git")).unwrap();
    std::fs::write(dir.path().join(".git/data.json"), "not ours").unwrap();

    let taken = Bundle::from_files(files).unwrap();
    let read = Bundle::from_dir(dir.path()).unwrap();
    let unpacked = Bundle::from_tar_gz(&pack(&files)).unwrap();
    // As `opa build` and as `tar c .` name the files.
    let [slash, dot] = ["/", "./"].map(|prefix| {
        let named = files.map(|(path, text)| (format!("{prefix}{path}"), text));
        let named: Vec<_> = named
            .iter()
            .map(|(path, text)| (path.as_str(), *text))
            .collect();
        Bundle::from_tar_gz(&pack(&named)).unwrap()
    });
    for other in [&read, &unpacked, &slash, &dot] {
        assert_eq!(other.hash(), taken.hash());
        assert_eq!(other.revision(), "r1");
        assert_eq!(
            other.data(),
            r#"{"limits":{"default":{}},"more":{"x":1.50}}"#
        );
    }
    let file = dir.path().join("bundle.tar.gz");
    std::fs::write(&file, pack(&files)).unwrap();
    assert_eq!(Bundle::load(&file, None).unwrap().hash(), taken.hash());
}

#[test]
fn the_hash_is_over_names_and_contents_and_their_lengths() {
    let hash = |files: &[(&str, &str)]| Bundle::from_files(files.to_vec()).unwrap().hash();
    let base = hash(&[("data.json", DATA), ("x.rego", "package x")]);
    assert_ne!(base, hash(&[("data.json", DATA), ("y.rego", "package x")]));
    assert_ne!(base, hash(&[("data.json", DATA), ("x.rego", "package y")]));
    assert_ne!(base, hash(&[("data.json", DATA)]));
    assert_eq!(base, hash(&[("x.rego", "package x"), ("data.json", DATA)]));
    // The documented form, worked out by another program:
    // python3 -c 'import hashlib,struct; p=lambda b: struct.pack(">Q",len(b))+b;
    //   print(hashlib.sha256(p(b"gate-bundle+v1")+p(b"data.json")+p(b"{}")).hexdigest())'
    assert_eq!(hash(&[("data.json", "{}")]).to_string(), EMPTY_DATA_HASH);
}

const EMPTY_DATA_HASH: &str = "f0a11f4c349f1e65e5c30169c5f38e5d47b82edd2094c9e2f45cb3269f6d479e";

#[test]
fn a_path_that_leaves_the_bundle_is_refused() {
    for path in [
        "../data.json",
        "a/../../data.json",
        "a/./data.json",
        "a//data.json",
        "//etc/data.json",
        "a\\data.json",
        "C:data.json",
        "a\ndata.json",
        "",
    ] {
        let expected = format!("`{path}` is not a path inside the bundle");
        assert_eq!(refused(Bundle::from_files([(path, DATA)])), expected);
        if !path.is_empty() {
            assert_eq!(
                refused(Bundle::from_tar_gz(&pack(&[(path, DATA)]))),
                expected
            );
        }
    }
    let long = format!("{}/data.json", "a/".repeat(16).trim_end_matches('/'));
    assert_eq!(
        refused(Bundle::from_files([(long, DATA)])),
        "a path's depth is above the limit of 16"
    );
}

#[test]
fn links_and_devices_are_refused() {
    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Fifo,
        EntryType::Char,
    ] {
        let entries = [
            ("data.json", EntryType::Regular, DATA),
            ("x.rego", kind, ""),
        ];
        assert_eq!(
            refused(Bundle::from_tar_gz(&gzip(&tarball(entries)))),
            "`x.rego` is neither a file nor a directory"
        );
    }
    #[cfg(unix)]
    {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("data.json"), DATA).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("x.rego")).unwrap();
        assert_eq!(
            refused(Bundle::from_dir(dir.path())),
            "`x.rego` is neither a file nor a directory"
        );
    }
}

#[test]
fn a_bomb_is_refused_before_it_is_held() {
    // 200 MB of zeros behind a header that says so; 200 kB as an archive.
    let mut header = Header::new_gnu();
    header.set_path("data.json").unwrap();
    header.set_size(200_000_000);
    header.set_cksum();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(header.as_bytes()).unwrap();
    let zeros = vec![0; 1_000_000];
    (0..200).for_each(|_| encoder.write_all(&zeros).unwrap());
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 2_000_000);
    assert_eq!(
        refused(Bundle::from_tar_gz(&bomb)),
        "a file's size in bytes is above the limit of 8388608"
    );

    // The same in a file that is no part of the bundle: it must not even be walked.
    header.set_path("video.mp4").unwrap();
    header.set_cksum();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(header.as_bytes()).unwrap();
    (0..200).for_each(|_| encoder.write_all(&zeros).unwrap());
    assert_eq!(
        refused(Bundle::from_tar_gz(&encoder.finish().unwrap())),
        "the bundle's size in bytes is above the limit of 33554432"
    );

    let names: Vec<String> = (0..=MAX_FILES).map(|n| format!("r{n}.rego")).collect();
    let many = names.iter().map(|name| (name.as_str(), "package r"));
    assert_eq!(
        refused(Bundle::from_files(many)),
        "the number of files is above the limit of 1000"
    );
    let empty: Vec<String> = (0..=2 * MAX_FILES).map(|n| format!("f{n}")).collect();
    let empty: Vec<(&str, &str)> = empty.iter().map(|name| (name.as_str(), "")).collect();
    assert_eq!(
        refused(Bundle::from_tar_gz(&pack(&empty))),
        "the number of archive entries is above the limit of 2000"
    );
}

#[test]
fn what_is_no_bundle_is_refused_and_says_why() {
    let check = |files: &[(&str, &str)], expected: &str| {
        assert_eq!(
            refused(Bundle::from_files(files.to_vec())),
            expected,
            "{files:?}"
        );
    };
    check(&[], "the bundle has neither data.json nor Rego");
    check(
        &[("x_test.rego", "package x")],
        "the bundle has neither data.json nor Rego",
    );
    check(
        &[("data.json", "[]")],
        "`data.json`: not JSON: expected an object",
    );
    check(
        &[("data.json", r#"{"limits":{},"limits":{}}"#)],
        "`data.json`: member `limits` twice",
    );
    check(
        &[("data.json", DATA), ("/data.json", DATA)],
        "`data.json` is in the bundle twice",
    );
    for name in ["data.yaml", "policy.wasm", "patch.json", "plan.json"] {
        check(
            &[("data.json", DATA), (name, "")],
            &format!("`{name}` is not supported in a bundle"),
        );
    }
    let manifest = |manifest: &str, expected: &str| {
        check(&[("data.json", DATA), (".manifest", manifest)], expected);
    };
    manifest(
        r#"{"rego_version":2}"#,
        "`rego_version 2` is not supported in a bundle",
    );
    manifest(r#"{"wasm":[{}]}"#, "`wasm` is not supported in a bundle");
    manifest(
        r#"{"file_rego_versions":{"a":0}}"#,
        "`file_rego_versions` is not supported in a bundle",
    );
    manifest(
        r#"{"revision":"a","revision":"b"}"#,
        "`.manifest`: member `revision` twice",
    );
    check(
        &[("data.json", "\u{feff}{}")],
        "`data.json` begins with a byte order mark: save it as UTF-8 without one",
    );
    // As `opa build` and others write what is not there.
    let nothing = r#"{"revision":null,"roots":null,"wasm":null,"file_rego_versions":{}}"#;
    assert!(Bundle::from_files([("data.json", DATA), (".manifest", nothing)]).is_ok());
    let (longest, longer) = [256, 257]
        .map(|length| format!(r#"{{"revision":"{}"}}"#, "r".repeat(length)))
        .into();
    let revision = "the manifest's revision has control characters or more than 256 bytes";
    manifest(&longer, revision);
    manifest(r#"{"revision":"a\u0000"}"#, revision);
    assert!(Bundle::from_files([("data.json", DATA), (".manifest", &longest)]).is_ok());
    assert!(refused(Bundle::from_tar_gz(b"not gzip")).contains("not a gzipped tar"));
    let whole = pack(&[("data.json", DATA), ("x.rego", "package x")]);
    assert!(refused(Bundle::from_tar_gz(&whole[..whole.len() / 2])).contains("not a gzipped tar"));
    let binary = Bundle::from_files([("data.json", &b"{\"a\":\"\xff\"}"[..])]);
    assert_eq!(refused(binary), "`data.json` is not UTF-8");
}

#[test]
fn roots_bound_what_a_bundle_defines() {
    let check = |roots: &str, files: &[(&str, &str)], expected: &str| {
        let manifest = format!(r#"{{"roots":{roots}}}"#);
        let mut files = files.to_vec();
        files.push((".manifest", &manifest));
        assert_eq!(refused(Bundle::from_files(files)), expected);
    };
    let data = ("data.json", r#"{"limits":{"default":{}}}"#);
    let rego = ("g.rego", "# sample\npackage gate.pre # here\n");
    let taken = r#"taken: [".manifest", "data.json", "g.rego"]"#;
    check(r#"["limits","gate"]"#, &[data, rego], taken);
    check(r#"[""]"#, &[data, rego], taken);
    check(r#"["limits/default","gate/pre"]"#, &[data, rego], taken);
    check(
        r#"["limits"]"#,
        &[data, rego],
        "`g.rego` puts `gate/pre` outside the manifest's roots",
    );
    check(
        r#"["gate"]"#,
        &[data, rego],
        "`data.json` puts `limits/default` outside the manifest's roots",
    );
    check(
        r#"["lim","gate"]"#,
        &[data, rego],
        "`data.json` puts `limits/default` outside the manifest's roots",
    );
    check(
        r#"["limits","limits/default"]"#,
        &[data],
        "roots `limits` and `limits/default` overlap",
    );
    check(
        r#"["limits","limits"]"#,
        &[data],
        "roots `limits` and `limits` overlap",
    );
}

#[test]
fn an_archive_that_is_cut_or_damaged_anywhere_is_refused() {
    let whole = pack(&[(".manifest", r#"{"revision":"r1"}"#), ("data.json", DATA)]);
    assert!(Bundle::from_tar_gz(&whole).is_ok());
    for length in 0..whole.len() {
        let cut = Bundle::from_tar_gz(&whole[..length]);
        assert!(cut.is_err(), "{length} of {} bytes", whole.len());
    }
    // The last eight bytes are gzip's checksum and length.
    for byte in whole.len() - 8..whole.len() {
        let mut damaged = whole.clone();
        damaged[byte] ^= 1;
        assert!(Bundle::from_tar_gz(&damaged).is_err(), "byte {byte}");
    }
}

/// Everything at the bundle's root would be ignored, its limits included.
#[test]
fn an_archive_of_the_directory_instead_of_its_content_is_refused() {
    let packed = pack(&[("own/.manifest", "{}"), ("own/data.json", DATA)]);
    let error = Bundle::from_tar_gz(&packed).unwrap_err();
    assert!(matches!(error, BundleError::NestedManifest(path) if path == "own/.manifest"));
    // Hidden directories are not part of it.
    let beside = pack(&[(".git/.manifest", "{}"), ("data.json", DATA)]);
    assert!(Bundle::from_tar_gz(&beside).is_ok());
}
