//! How long to wait before the next request, by what went wrong: the rules of the X (Twitter) filtered stream.

use crate::ids::Millis;

/// Why there is no stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// No connection, or none any more.
    Network,
    /// The server answered with this status.
    Status(u16),
}

/// First and longest wait after failures of the network, which grows by the first.
const NETWORK: (u64, u64) = (250, 16_000);
/// The same after refusals, which doubles.
const REFUSED: (u64, u64) = (5_000, 320_000);
/// The same when there were too many requests: 429.
const TOO_MANY: (u64, u64) = (60_000, 960_000);

/// Failures of one kind since there was a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Backoff {
    last: Option<(Kind, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Network,
    Refused,
    TooMany,
}

impl Backoff {
    /// Data came.
    pub fn reset(&mut self) {
        self.last = None;
    }

    /// The wait after a failure. Another kind of failure begins anew.
    pub fn after(&mut self, failure: &Failure) -> Millis {
        let kind = match failure {
            Failure::Network => Kind::Network,
            Failure::Status(429) => Kind::TooMany,
            Failure::Status(_) => Kind::Refused,
        };
        let before = self.last.filter(|(of, _)| *of == kind).map(|(_, wait)| wait);
        let (first, most) = match kind {
            Kind::Network => NETWORK,
            Kind::Refused => REFUSED,
            Kind::TooMany => TOO_MANY,
        };
        let wait = match (kind, before) {
            (_, None) => first,
            (Kind::Network, Some(wait)) => (wait + first).min(most),
            (_, Some(wait)) => (wait * 2).min(most),
        };
        self.last = Some((kind, wait));
        Millis(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without it a server that asks for patience would be asked again and again, and would shut us out.
    #[test]
    fn waits_grow_as_the_protocol_asks() {
        let waits = |failure: &Failure, times: usize| -> Vec<u64> {
            let mut backoff = Backoff::default();
            (0..times).map(|_| backoff.after(failure).0).collect()
        };
        assert_eq!(waits(&Failure::Network, 4), [250, 500, 750, 1000]);
        assert_eq!(waits(&Failure::Network, 100).last(), Some(&16_000));
        assert_eq!(waits(&Failure::Status(503), 8), [5, 10, 20, 40, 80, 160, 320, 320].map(|s| s * 1000));
        assert_eq!(waits(&Failure::Status(429), 6), [60, 120, 240, 480, 960, 960].map(|s| s * 1000));
        let mut backoff = Backoff::default();
        let mixed = [Failure::Network, Failure::Network, Failure::Status(500), Failure::Network];
        assert_eq!(mixed.map(|failure| backoff.after(&failure).0), [250, 500, 5000, 250], "another kind begins anew");
        backoff.reset();
        assert_eq!(backoff.after(&Failure::Network), Millis(250));
    }
}
