//! `[queue]`

use std::time::Duration;

use waypost_mta::queue::schedule::Schedule;

use crate::config::raw::{Reader, live};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// Reads when a delivery is tried again, and when it is given up.
pub(crate) fn read(reader: &mut Reader<'_>) -> Schedule {
    let mut queue = reader.section(
        "queue",
        "When a delivery that failed for now is tried again, and when it is given up.",
    );
    let read = Schedule {
        retry_first: queue.within(
            live(
                "retry_first",
                "From the first failure to the second attempt.",
            ),
            5 * MINUTE,
            Duration::from_millis(50)..=DAY,
        ),
        retry_max: queue.within(
            live("retry_max", "Times between attempts grow up to this."),
            70 * MINUTE,
            Duration::from_millis(50)..=DAY,
        ),
        lifetime: queue.within(
            live(
                "lifetime",
                "What could not be delivered for so long goes back to its sender, after one \
                     more attempt.",
            ),
            5 * DAY,
            SECOND..=60 * DAY,
        ),
        delay_notice: queue.within(
            live(
                "delay_notice",
                "After so long the sender is told once that it takes longer. 0s: never.",
            ),
            4 * HOUR,
            Duration::ZERO..=60 * DAY,
        ),
    };
    if read.retry_max < read.retry_first {
        let mend = "write at least queue.retry_first";
        queue.refuse("retry_max", "found less than queue.retry_first", mend);
    }
    read
}
