//! Checks the rights to a key file: whoever can read it can forge tokens.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

const ROOT: u32 = 0;

/// The file's mode, if it gives others too many rights.
pub(super) fn unfit_mode(about: &Metadata) -> Option<u32> {
    let mode = about.mode() & 0o777;
    let reader = rustix::process::geteuid().as_raw();
    (!is_fit(mode, (about.uid(), about.gid()), reader)).then_some(mode)
}

/// Whether `mode` is fit for a key file of this owner and group that `reader` reads. The rule is PostgreSQL's
/// for `ssl_key_file`: the owner alone; and the group may read a file that root owns. Where root reads it,
/// that is for another's group only.
const fn is_fit(mode: u32, (owner, group): (u32, u32), reader: u32) -> bool {
    let others = if owner == ROOT && (reader != ROOT || group != ROOT) {
        0o037
    } else {
        0o077
    };
    mode & others == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_may_read_what_is_roots() {
        const GATE: u32 = 1_000;
        for mode in [0o440, 0o640] {
            assert!(is_fit(mode, (ROOT, GATE), GATE), "{mode:o}");
            assert!(is_fit(mode, (ROOT, GATE), ROOT), "{mode:o}");
            assert!(!is_fit(mode, (ROOT, ROOT), ROOT), "{mode:o}");
            assert!(!is_fit(mode, (GATE, GATE), GATE), "{mode:o}");
        }
        for mode in [0o444, 0o460, 0o650, 0o604] {
            assert!(!is_fit(mode, (ROOT, GATE), GATE), "{mode:o}");
        }
        assert!(is_fit(0o600, (ROOT, ROOT), GATE) && is_fit(0o400, (GATE, GATE), GATE));
    }
}
