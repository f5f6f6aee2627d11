//! Which kinds of request a run is made of, and in which shares.

use std::fmt;
use std::str::FromStr;

use crate::rng;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A new order that the policy allows.
    Authorize,
    /// A new order that the policy blocks.
    Blocked,
    /// An earlier order's hold is let go.
    Release,
    /// An earlier order is filled whole.
    Fill,
    /// An earlier order is sent again, as it was.
    Replay,
}

impl Kind {
    /// Every kind, in the order of `position`.
    pub const ALL: [Self; 5] = [
        Self::Authorize,
        Self::Blocked,
        Self::Release,
        Self::Fill,
        Self::Replay,
    ];

    pub(crate) fn position(self) -> usize {
        match self {
            Self::Authorize => 0,
            Self::Blocked => 1,
            Self::Release => 2,
            Self::Fill => 3,
            Self::Replay => 4,
        }
    }

    /// The name used in mixes and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Blocked => "blocked",
            Self::Release => "release",
            Self::Fill => "fill",
            Self::Replay => "replay",
        }
    }

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Authorize | Self::Blocked | Self::Replay => "/v1/authorize",
            Self::Release => "/v1/release",
            Self::Fill => "/v1/fill",
        }
    }
}

/// Shares of the kinds in thousandths; what is left over is `authorize`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mix {
    permille: [u64; Kind::ALL.len()],
}

impl Mix {
    /// The kind that these random bits stand for.
    #[must_use]
    pub fn pick(&self, bits: u64) -> Kind {
        let mut point = rng::below(bits, 1000);
        for (kind, share) in Kind::ALL.into_iter().zip(self.permille).skip(1) {
            if point < share {
                return kind;
            }
            point -= share;
        }
        Kind::Authorize
    }

    /// Whether any kind refers to an order placed before.
    #[must_use]
    pub fn names_earlier_orders(&self) -> bool {
        self.permille.iter().skip(2).any(|share| *share > 0)
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let others: u64 = self.permille.iter().skip(1).sum();
        write!(f, "authorize={}", percent(1000 - others))?;
        for (kind, share) in Kind::ALL.into_iter().zip(self.permille).skip(1) {
            if share > 0 {
                write!(f, ",{}={}", kind.name(), percent(share))?;
            }
        }
        Ok(())
    }
}

fn percent(permille: u64) -> String {
    match permille % 10 {
        0 => format!("{}", permille / 10),
        tenth => format!("{}.{tenth}", permille / 10),
    }
}

impl FromStr for Mix {
    type Err = String;

    /// `blocked=5,release=40`: per cent, with at most one decimal.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut mix = Self::default();
        let mut named = Vec::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (name, share) = part
                .split_once('=')
                .ok_or_else(|| format!("`{part}` is not of the form KIND=PERCENT"))?;
            let kind = Kind::ALL
                .into_iter()
                .find(|kind| kind.name() == name)
                .ok_or_else(|| format!("`{name}` is no kind of request"))?;
            if named.contains(&kind) {
                return Err(format!("`{name}` is there twice"));
            }
            named.push(kind);
            let permille = parse_permille(share)
                .ok_or_else(|| format!("`{share}` is no share: 0 to 100, one decimal at most"))?;
            if kind == Kind::Authorize {
                continue; // What is left over; accepted so that a printed mix can be given back.
            }
            if let Some(slot) = mix.permille.get_mut(kind.position()) {
                *slot = permille;
            }
        }
        if mix.permille.iter().sum::<u64>() > 1000 {
            return Err("the shares add up to more than 100 per cent".into());
        }
        Ok(mix)
    }
}

fn parse_permille(share: &str) -> Option<u64> {
    let (whole, tenth) = share.split_once('.').unwrap_or((share, "0"));
    if tenth.len() != 1 {
        return None;
    }
    let permille = whole.parse::<u64>().ok()?.checked_mul(10)? + tenth.parse::<u64>().ok()?;
    (permille <= 1000).then_some(permille)
}
