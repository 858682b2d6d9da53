//! The picture of the site: who brings mail at the left, this server in the middle with its
//! mailboxes below, targets and peers at the right.

use crate::api::v1::overview::{HopCondition, HopKind, NextHop, Overview, SourceKind};
use crate::ui::layout::{Page, View};

/// Most next hops that are drawn; the table has all.
const MOST: usize = 30;
/// So many stand in one column.
const COLUMN: usize = 8;
/// The width of the picture.
const WIDTH: u32 = 1_070;
const LEFT_WIDTH: u32 = 190;
const HERE: Span = (270, 225);
const HERE_HEIGHT: u32 = 136;
const NODE_HEIGHT: u32 = 58;
const PITCH: u32 = 68;
/// One column at the right, or two.
const ONE: Span = (790, 275);
const TWO: [Span; 2] = [(590, 215), (850, 215)];
/// What is free above and below.
const EDGE: u32 = 8;
/// Between this server and its mailboxes.
const BELOW: u32 = 62;
/// The width of a letter of a title.
const LETTER: u32 = 9;
/// From here on a line is thick, or thicker: messages per minute.
const BUSY: f64 = 10.0;
const FLOOD: f64 = 200.0;

/// Where something begins, and its width.
type Span = (u32, u32);

/// All of it.
pub(super) struct Map {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) nodes: Vec<Node>,
    pub(super) flows: Vec<Flow>,
    /// Next hops that are not drawn.
    pub(super) more: usize,
    /// Those that are.
    pub(super) shown: usize,
}

/// Somebody who has to do with mail.
pub(super) struct Node {
    pub(super) class: &'static str,
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    /// As much of the name as there is room for.
    pub(super) title: String,
    pub(super) lines: Vec<Line>,
    pub(super) address: Option<String>,
    /// All that is written in it, for who hears it.
    pub(super) label: String,
}

/// A line of text.
pub(super) struct Line {
    pub(super) class: &'static str,
    pub(super) y: u32,
    pub(super) text: String,
}

/// Mail on its way.
pub(super) struct Flow {
    pub(super) class: String,
    pub(super) path: String,
}

impl Node {
    fn new(class: &'static str, span: Span, y: u32, name: &str) -> Self {
        let (x, width) = span;
        let room = (width.saturating_sub(24) / LETTER) as usize;
        let title = match name.char_indices().nth(room) {
            Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
            None => name.to_owned(),
        };
        Self {
            class,
            x,
            y,
            width,
            height: NODE_HEIGHT,
            title,
            lines: Vec::new(),
            address: None,
            label: name.to_owned(),
        }
    }

    fn line(mut self, class: &'static str, text: String) -> Self {
        self.label.push_str(". ");
        self.label.push_str(&text);
        let y = self.y + 36 + 15 * self.lines.len() as u32;
        self.lines.push(Line { class, y, text });
        self
    }

    /// Where text begins.
    pub(super) fn text_x(&self) -> u32 {
        self.x + 12
    }

    /// The line of the title.
    pub(super) fn title_y(&self) -> u32 {
        self.y + 20
    }

    fn middle(&self) -> u32 {
        self.y + self.height / 2
    }
}

impl Map {
    pub(super) fn of(page: &Page, site: &Overview) -> Self {
        let (hops, more) = drawn(site);
        let rows = if hops.len() > COLUMN {
            hops.len().div_ceil(2)
        } else {
            hops.len()
        };
        let right = rows as u32 * PITCH + if hops.len() > COLUMN { PITCH / 2 } else { 0 };
        let inner = (HERE_HEIGHT + 2 * (BELOW + NODE_HEIGHT))
            .max(right)
            .max(3 * PITCH);
        let height = inner + 2 * EDGE;
        let mut map = Self {
            width: WIDTH,
            height,
            nodes: Vec::new(),
            flows: Vec::new(),
            more,
            shown: hops.len(),
        };
        let here = here(page, site, height / 2 - HERE_HEIGHT / 2);
        map.sources(page, site, &here);
        map.local(page, site, &here);
        map.hops(page, &hops, &here);
        map.nodes.push(here);
        map
    }

    /// Strangers, users, trusted networks.
    fn sources(&mut self, view: &View, site: &Overview, here: &Node) {
        let kinds = [
            (SourceKind::Strangers, "strangers"),
            (SourceKind::Users, "users"),
            (SourceKind::Trusted, "trusted"),
        ];
        let pitch = PITCH + 14;
        let first = here.middle().saturating_sub(pitch + NODE_HEIGHT / 2);
        for (place, (kind, word)) in kinds.into_iter().enumerate() {
            let mut sources = site.sources.iter().filter(|source| source.kind == kind);
            let rate = sources
                .next()
                .map_or(0.0, |source| source.messages_per_minute);
            let y = first + pitch * place as u32;
            let node = Node::new("", (0, LEFT_WIDTH), y, &view.word("source", word))
                .line("sub", rate_in_words(view, "brings", rate));
            let end = here.middle() + 18 * place as u32 - 18;
            let path = curve((LEFT_WIDTH, node.middle()), (here.x, end));
            self.flows.push(Flow {
                class: strength(rate).to_owned(),
                path,
            });
            self.nodes.push(node);
        }
    }

    /// Mailboxes here, below this server.
    fn local(&mut self, page: &Page, site: &Overview, here: &Node) {
        let hop = site.next_hops.iter().find(|hop| hop.kind == HopKind::Local);
        let rate = hop.map_or(0.0, NextHop::sent);
        let y = here.y + here.height + BELOW;
        let span = (here.x, here.width);
        let mut node = Node::new("", span, y, &page.say("hop-local"))
            .line("sub", rate_in_words(page, "takes", rate));
        if let Some(hop) = hop {
            node = waits(page, node, hop, None);
            node.address = hop.address(&page.actor);
        }
        let x = here.x + here.width / 2;
        self.flows.push(Flow {
            class: strength(rate).to_owned(),
            path: format!("M{x} {}V{}", here.y + here.height, y),
        });
        self.nodes.push(node);
    }

    /// Targets, peers and whoever else mail goes to.
    fn hops(&mut self, page: &Page, hops: &[&NextHop], here: &Node) {
        let is_wide = hops.len() > COLUMN;
        let rows = if is_wide {
            hops.len().div_ceil(2)
        } else {
            hops.len()
        };
        let used = (rows as u32 * PITCH).saturating_sub(PITCH - NODE_HEIGHT);
        let top = self
            .height
            .saturating_sub(used + if is_wide { PITCH / 2 } else { 0 })
            / 2;
        for (place, hop) in hops.iter().enumerate() {
            let (row, column) = if is_wide {
                (place / 2, place % 2)
            } else {
                (place, 0)
            };
            let span = match (is_wide, column) {
                (false, _) => ONE,
                (true, 0) => TWO[0],
                (true, _) => TWO[1],
            };
            // The second column stands between the lines of the first: there is its way.
            let y = top + row as u32 * PITCH + column as u32 * PITCH / 2;
            let node = hop_node(page, hop, span, y);
            let begin = (here.x + here.width, here.middle());
            let turn = if is_wide { TWO[0].0 } else { ONE.0 };
            let state = trouble(hop);
            for (rate, back, shift) in [(hop.sent(), "", 0), (hop.incoming(), " back", 5)] {
                if rate == 0.0 && !back.is_empty() {
                    continue;
                }
                let y = node.middle() + shift;
                let mut path = curve((begin.0, begin.1 + shift), (turn, y));
                if node.x > turn {
                    path.push_str(&format!("H{}", node.x));
                }
                let class = format!("{}{state}{back}", strength(rate));
                self.flows.push(Flow { class, path });
            }
            self.nodes.push(node);
        }
    }
}

/// What is drawn at the right: when there are too many, those that are wrong or busy.
fn drawn(site: &Overview) -> (Vec<&NextHop>, usize) {
    let hops = site.next_hops.iter();
    let mut hops: Vec<_> = hops
        .filter(|hop| match hop.kind {
            HopKind::Local => false,
            HopKind::None => hop.recipients() > 0,
            _ => true,
        })
        .collect();
    let more = hops.len().saturating_sub(MOST);
    if more > 0 {
        hops.sort_by_key(|hop| {
            let rate = (hop.sent() + hop.incoming()) * 100.0;
            let rank = hop.condition.unwrap_or(HopCondition::Up);
            (rank, std::cmp::Reverse((hop.recipients(), rate as u64)))
        });
        hops.truncate(MOST);
    }
    hops.sort_by(|a, b| {
        let others = a.condition.is_none().cmp(&b.condition.is_none());
        others.then_with(|| a.name.cmp(&b.name))
    });
    (hops, more)
}

fn here(view: &View, site: &Overview, y: u32) -> Node {
    let flow = site.flow.as_ref();
    let (taken, refused) = flow.map_or((0.0, 0.0), |flow| (flow.messages, flow.refused));
    let queue = site.server.queue.unwrap_or_default();
    let mut node = Node::new("here", HERE, y, &site.server.hostname)
        .line("sub", rate_in_words(view, "takes-in", taken))
        .line("sub", rate_in_words(view, "refuses", refused))
        .line("sub", view.with("map-queue", "count", queue));
    let oldest = site.server.oldest();
    if !oldest.is_zero() {
        let oldest = view.language.span(oldest);
        node = node.line("sub", view.with("map-oldest", "span", &oldest));
    }
    node.height = HERE_HEIGHT;
    node
}

fn hop_node(page: &Page, hop: &NextHop, span: Span, y: u32) -> Node {
    let class = match hop.condition {
        Some(HopCondition::Unused) | None => "",
        Some(condition) => condition.class(),
    };
    let out = page.language.decimal(hop.sent());
    let back = page.language.decimal(hop.incoming());
    let rates = page.words(
        "map-hop",
        "rates",
        &[("out", (&out).into()), ("in", (&back).into())],
    );
    let mut node = Node::new(class, span, y, &hop.title(page)).line("sub", rates);
    node.address = hop.address(&page.actor);
    let condition = hop
        .condition
        .map(|condition| page.word("hop-state", condition.word()));
    waits(page, node, hop, condition)
}

/// Adds how it is, and what waits for it.
fn waits(view: &View, node: Node, hop: &NextHop, condition: Option<String>) -> Node {
    let oldest = view.language.span(hop.oldest());
    let waiting = hop.recipients();
    let values = [("count", waiting.into()), ("span", (&oldest).into())];
    let waiting = (waiting > 0).then(|| view.words("map-hop", "waits", &values));
    let both: Vec<_> = condition.into_iter().chain(waiting).collect();
    if both.is_empty() {
        return node;
    }
    node.line("state", both.join(" · "))
}

fn rate_in_words(view: &View, word: &str, rate: f64) -> String {
    let rate = view.language.decimal(rate);
    view.words("map-rate", word, &[("rate", (&rate).into())])
}

/// How thick a line is.
fn strength(rate: f64) -> &'static str {
    if rate >= FLOOD {
        "flood"
    } else if rate >= BUSY {
        "busy"
    } else if rate > 0.0 {
        ""
    } else {
        "idle"
    }
}

fn trouble(hop: &NextHop) -> &'static str {
    match hop.condition {
        Some(HopCondition::Down) => " bad",
        Some(HopCondition::Degraded) => " warn",
        _ => "",
    }
}

fn curve((x, y): (u32, u32), (to_x, to_y): (u32, u32)) -> String {
    let between = u32::midpoint(x, to_x);
    format!("M{x} {y}C{between} {y} {between} {to_y} {to_x} {to_y}")
}
