//! What is made from the command line and the keys of the configuration file: manual pages and
//! the sample file. They are committed, and a test compares them with what this makes.

use anyhow::Context as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli;
use crate::config::{self, Heading, Loaded, Setting};

const WIDTH: usize = 79;

/// All files with their paths from the root of the source tree.
pub(crate) fn files() -> anyhow::Result<Vec<(String, String)>> {
    let mut command = cli::command();
    command.build();
    let mut files = pages(&command, "waypost")?;
    let loaded = config::defaults()?;
    files.push(("man/waypost.toml.5".to_owned(), keys_page(&loaded)));
    files.push(("etc/waypost.toml".to_owned(), sample(&loaded)));
    Ok(files)
}

/// The page of a command and those of its sub-commands.
fn pages(command: &clap::Command, name: &str) -> anyhow::Result<Vec<(String, String)>> {
    let mut files = vec![(format!("man/{name}.1"), page(command, name)?)];
    for sub in command.get_subcommands() {
        if sub.is_hide_set() || sub.get_name() == "help" {
            continue;
        }
        // A sub-command's own verbs are said on its page.
        let name = format!("{name}-{}", sub.get_name());
        files.push((format!("man/{name}.1"), page(sub, &name)?));
    }
    Ok(files)
}

fn page(command: &clap::Command, name: &str) -> anyhow::Result<String> {
    let title = name.to_uppercase();
    let mut text = Vec::new();
    let man = |command: &clap::Command| {
        Man::new(command.clone())
            .title(title.clone())
            .date("")
            .source("Waypost")
            .manual("Waypost Manual")
    };
    man(command).render(&mut text)?;
    for verb in command.get_subcommands() {
        if name == "waypost" || verb.get_name() == "help" {
            continue;
        }
        let heading = format!("waypost {} {}", command.get_name(), verb.get_name());
        let mut roff = Roff::new();
        roff.control("SH", [heading.to_uppercase().as_str()]);
        roff.to_writer(&mut text)?;
        let man = man(verb);
        man.render_description_section(&mut text)?;
        man.render_synopsis_section(&mut text)?;
        man.render_options_section(&mut text)?;
    }
    let mut see_also = Roff::new();
    see_also.control("SH", ["SEE ALSO"]);
    see_also.text([
        bold("waypost"),
        roman("(1), "),
        bold("waypost.toml"),
        roman("(5)"),
    ]);
    see_also.to_writer(&mut text)?;
    let text = String::from_utf8(text).context("cannot read the page")?;
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let text = lines.join("\n") + "\n";
    // Verbs are on the page of their command, not on pages of their own.
    let verb = format!("{}\\-", name.replace('-', "\\-"));
    let named = format!("{} ", name.replace('-', " "));
    if name == "waypost" {
        return Ok(text);
    }
    Ok(text
        .lines()
        .map(|line| match line.strip_suffix("(1)") {
            Some(start) => format!("{}\n", start.replace(&verb, &named)),
            None => format!("{line}\n"),
        })
        .collect())
}

/// `waypost.toml(5)`: every key.
fn keys_page(loaded: &Loaded) -> String {
    let mut roff = Roff::new();
    roff.control("TH", ["WAYPOST.TOML", "5", "", "Waypost", "Waypost Manual"]);
    roff.control("SH", ["NAME"]);
    roff.text([roman(
        "waypost.toml - configuration file of the waypost mail router",
    )]);
    roff.control("SH", ["DESCRIPTION"]);
    for paragraph in INTRODUCTION {
        roff.control("PP", []);
        roff.text([roman(*paragraph)]);
    }
    for heading in &loaded.headings {
        let title = match heading.name {
            "" => "KEYS BEFORE THE FIRST SECTION".to_owned(),
            name => format!("[{name}]"),
        };
        roff.control("SH", [title.as_str()]);
        if !heading.text.is_empty() {
            roff.text([roman(heading.text)]);
        }
        for setting in loaded.of_section(heading.name) {
            roff.control("TP", []);
            roff.text([bold(setting.name), roman(format!(" = {}", setting.default))]);
            roff.text([roman(explained(setting))]);
        }
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([bold("waypost"), roman("(1)")]);
    roff.render()
}

const INTRODUCTION: &[&str] = &[
    "A TOML file. Every key may be missing; its default is shown here behind the equals sign. An \
     unknown key is an error. Times have units: \"90s\", \"5m\", \"4h\", \"5d\", \"1h30m\". Sizes \
     have units: \"50 MiB\", \"2 GB\".",
    "A secret may be written itself, as \"file:/PATH\" (the file's text without its last line \
     end), or as \"env:NAME\" (an environment variable).",
    "waypost check names every mistake; waypost check --effective prints the value of every key. \
     SIGHUP makes a running server read the file again; keys marked with (restart) wait for a \
     restart.",
    "Domains, users, shared mailboxes, groups, targets, peers and gateway domains are not in this \
     file: see waypost-apply(1).",
];

fn explained(setting: &Setting) -> String {
    let restart = if setting.live { "" } else { " (restart)" };
    format!("{}{restart}", setting.text)
}

/// `etc/waypost.toml`: every key at its default.
fn sample(loaded: &Loaded) -> String {
    let mut text = String::from(
        "# Configuration of Waypost: every key at its default. See waypost.toml(5).\n\
         # `waypost check --config FILE` names every mistake in it.\n",
    );
    for heading in &loaded.headings {
        text.push('\n');
        sample_section(&mut text, heading);
        let mut first = true;
        for setting in loaded.of_section(heading.name) {
            if !first {
                text.push('\n');
            }
            first = false;
            text += &comment(&explained(setting));
            text += &format!("{} = {}\n", setting.name, setting.default);
        }
    }
    text
}

fn sample_section(text: &mut String, heading: &Heading) {
    if heading.name.is_empty() {
        return;
    }
    *text += &comment(heading.text);
    *text += &format!("[{}]\n", heading.name);
}

/// Words as comment lines.
fn comment(words: &str) -> String {
    let mut text = String::new();
    let mut line = String::from("#");
    for word in words.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            text += &line;
            text.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line += word;
    }
    text + &line + "\n"
}
