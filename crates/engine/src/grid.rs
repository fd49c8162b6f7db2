//! The fixed grid of windows: multiples of `window_ms` since 1970, cut at JST midnight and at 16:30 so that no window
//! straddles a trading date (for widths that divide half an hour, such as 300 ms, these cuts fall on the grid anyway).

use crate::calendar::DERIVATIVES_ROLL;

const DAY_MS: i64 = 86_400_000;
const JST_MS: i64 = ayumi_wire::jst::OFFSET_S * 1000;

/// Start and end (Unix ms) of the window in which `ms` lies.
#[must_use]
pub fn window_of(ms: i64, window_ms: i64) -> (i64, i64) {
    let start = ms.div_euclid(window_ms) * window_ms;
    let midnight = (ms + JST_MS).div_euclid(DAY_MS) * DAY_MS - JST_MS;
    let roll = midnight + i64::from(DERIVATIVES_ROLL) * 1000;
    let (floor, ceiling) = if ms < roll {
        (midnight, roll)
    } else {
        (roll, midnight + DAY_MS)
    };
    (start.max(floor), (start + window_ms).min(ceiling))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn windows_tile_time(ms in 0i64..4_000_000_000_000, width in 10i64..60_001) {
            let (start, end) = window_of(ms, width);
            prop_assert!(start <= ms && ms < end && end - start <= width);
            prop_assert_eq!(window_of(start, width), (start, end));
            prop_assert_eq!(window_of(end - 1, width), (start, end));
            prop_assert_eq!(window_of(end, width).0, end);
        }
    }

    #[test]
    fn the_300_ms_grid_is_never_cut() {
        for ms in (1_763_564_400_000i64 - 90_000..1_763_564_400_000 + 90_000).step_by(100) {
            let (start, end) = window_of(ms, 300);
            assert_eq!((start % 300, end - start), (0, 300));
        }
    }
}
