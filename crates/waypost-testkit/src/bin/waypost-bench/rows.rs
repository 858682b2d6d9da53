//! Rows of the tables of messages: one for each server, medians over all turns.

use anyhow::Result;

use crate::contenders::{Field, POSTFIX, Turn};
use crate::load::Run;
use crate::report::median;
use crate::results::Results;

/// What is printed of a server, beside its name.
const COLUMNS: &str = "delivered/s | of Postfix | of direct | accepted/s | CPU s per 1,000 \
                       | of Postfix | peak MiB | of Postfix | reply p50, p99 ms \
                       | arrival p50, p99 ms |";

/// A table of messages; what is the same for all servers in a row comes first.
pub(crate) struct Table<'a> {
    pub(crate) name: &'static str,
    pub(crate) results: &'a mut Results,
}

impl Table<'_> {
    /// Prints the head of the table.
    pub(crate) fn head(&self, places: &[&str]) {
        let places: String = places.iter().map(|place| format!("{place} | ")).collect();
        let head = format!("| {places}server | {COLUMNS}");
        let columns = head.matches('|').count() - 1;
        println!("\n{head}\n|{}", " --- |".repeat(columns));
    }

    /// Prints and keeps a row for each server, and one for the source straight into the sink.
    pub(crate) fn rows(
        &mut self,
        place: &[(&str, u64)],
        field: &Field,
        turns: &[Turn],
    ) -> Result<()> {
        let direct: Vec<_> = turns.iter().map(|turn| (turn, turn.direct)).collect();
        self.row(place, "no server", &direct)?;
        for name in field.names() {
            let runs: Vec<_> = (turns.iter())
                .filter_map(|turn| Some((turn, *turn.of(name)?)))
                .collect();
            if !runs.is_empty() {
                self.row(place, name, &runs)?;
            }
        }
        Ok(())
    }

    fn row(&mut self, place: &[(&str, u64)], server: &str, runs: &[(&Turn, Run)]) -> Result<()> {
        let middle = |figure: fn(&Run) -> f64| median(runs.iter().map(|(_, run)| figure(run)));
        let ratio = |figure: fn(&Run) -> f64| {
            let beside = |turn: &Turn| turn.of(POSTFIX).map(figure);
            let runs = runs.iter();
            median(runs.filter_map(|(turn, run)| Some(figure(run) / beside(turn)?)))
        };
        let share =
            (runs.iter()).map(|(turn, run)| run.delivered_rate / turn.direct.delivered_rate);
        let figures = [
            ("delivered", middle(|run| run.delivered_rate)),
            ("delivered_of_postfix", ratio(|run| run.delivered_rate)),
            ("delivered_of_direct", median(share)),
            ("accepted", middle(|run| run.accepted_rate)),
            ("cpu", middle(|run| run.cpu_per_thousand)),
            ("cpu_of_postfix", ratio(|run| run.cpu_per_thousand)),
            ("mib", middle(|run| run.peak_mib)),
            ("mib_of_postfix", ratio(|run| run.peak_mib)),
            ("reply_p50", middle(|run| run.reply.p50)),
            ("reply_p99", middle(|run| run.reply.p99)),
            ("arrival_p50", middle(|run| run.arrival.p50)),
            ("arrival_p99", middle(|run| run.arrival.p99)),
        ];
        let places: String = (place.iter())
            .map(|(_, value)| format!("{value} | "))
            .collect();
        println!(
            "| {places}{server} | {}",
            cells(figures.map(|(_, figure)| figure))
        );
        self.results.keep(self.name, place, server, &figures)
    }
}

/// The figures as [`COLUMNS`] has them.
fn cells(figures: [f64; 12]) -> String {
    let [delivered, to_postfix, of_direct, accepted, ..] = figures;
    let [
        ..,
        cpu,
        less_cpu,
        mib,
        less_mib,
        reply,
        late_reply,
        arrival,
        late_arrival,
    ] = figures;
    let of_direct = of_direct * 100.0;
    format!(
        "{delivered:.0} | {to_postfix:.2} | {of_direct:.0} % | {accepted:.0} | {cpu:.2} \
         | {less_cpu:.3} | {mib:.0} | {less_mib:.3} | {reply:.1}, {late_reply:.1} \
         | {arrival:.1}, {late_arrival:.1} |"
    )
}
