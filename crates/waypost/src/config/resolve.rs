//! From a file to a [`Config`]: everything set, everything checked, all mistakes at once.

use std::fmt;
use std::path::{Path, PathBuf};

use waypost_mta::limits::Limits;
use waypost_mta::queue::schedule::Schedule;
use waypost_mta::tls::Source;

use super::problem::Problem;
use super::raw::{Heading, Reader, Setting};
use super::sections::{
    self, Acme, Cache, Console, Listen, Local, Log, Minger, Outbound, Tls, Top, Trust,
};
use crate::{acme, layout};

/// What the configuration file says, with defaults where it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) top: Top,
    pub(crate) listen: Listen,
    pub(crate) tls: Tls,
    pub(crate) acme: Acme,
    pub(crate) trust: Trust,
    pub(crate) minger: Minger,
    pub(crate) local: Local,
    pub(crate) outbound: Outbound,
    pub(crate) queue: Schedule,
    pub(crate) cache: Cache,
    pub(crate) limits: Limits,
    pub(crate) console: Console,
    pub(crate) log: Log,
}

impl Config {
    /// Where administrative commands find the running server.
    pub(crate) fn control_socket(&self) -> PathBuf {
        self.top.data_dir.join("control.sock")
    }

    /// The certificate that an authority gave, with its key, if there is one that can be used.
    fn ordered_certificate(&self) -> Option<PathBuf> {
        let file = layout::acme(&self.top.data_dir).join(layout::ACME_CERTIFICATE);
        (self.acme.is_on() && waypost_mta::tls::check(&file, &file).is_ok()).then_some(file)
    }

    /// The certificate that clients are shown.
    pub(crate) fn certificate_source(&self) -> Source {
        if let Some((certificate, key)) = &self.tls.files {
            return Source::Files {
                certificate: certificate.clone(),
                key: key.clone(),
            };
        }
        match self.ordered_certificate() {
            Some(file) => Source::Files {
                certificate: file.clone(),
                key: file,
            },
            None => Source::SelfSigned {
                directory: self.top.data_dir.clone(),
                hostname: self.top.hostname.clone(),
            },
        }
    }
}

/// A configuration with the record of its keys.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    /// What holds.
    pub(crate) config: Config,
    /// Every key in the order of the file.
    pub(crate) settings: Vec<Setting>,
    /// Every section in the order of the file.
    pub(crate) headings: Vec<Heading>,
}

impl Loaded {
    /// The keys of one section.
    pub(crate) fn of_section(&self, name: &str) -> impl Iterator<Item = &Setting> {
        self.settings
            .iter()
            .filter(move |setting| setting.section == name)
    }

    /// What is allowed and yet probably not meant.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.config.listen.is_empty() {
            let text = "listen: no service runs; set smtp = [\"0.0.0.0:25\"] under [listen]";
            warnings.push(text.to_owned());
        }
        warnings.extend(acme::warnings(&self.config.acme));
        warnings
    }
}

/// Everything that is wrong with the configuration.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// In the order of the file.
    pub(crate) problems: Vec<Problem>,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Unreadable {}

/// Reads and checks the file.
pub(crate) fn load(path: &Path) -> Result<Loaded, Unreadable> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| Unreadable {
        problems: vec![Problem {
            file: name.clone(),
            line: None,
            key: String::new(),
            found: format!("cannot be read: {error}"),
            mend: "give the file with --config or in WAYPOST_CONFIG".to_owned(),
        }],
    })?;
    read(&name, &text)
}

/// What holds where no file says anything.
pub(crate) fn defaults() -> Result<Loaded, Unreadable> {
    read("defaults", "")
}

/// Reads and checks a text; `name` is the file's, for the errors.
pub(crate) fn read(name: &str, text: &str) -> Result<Loaded, Unreadable> {
    let mut reader = Reader::new(name, text);
    let top = Top::read(&mut reader);
    let listen = Listen::read(&mut reader);
    let tls = Tls::read(&mut reader);
    let config = Config {
        acme: Acme::read(&mut reader, &top, &tls),
        top,
        listen,
        tls,
        trust: Trust::read(&mut reader),
        minger: Minger::read(&mut reader),
        local: Local::read(&mut reader),
        outbound: Outbound::read(&mut reader),
        queue: sections::queue(&mut reader),
        cache: Cache::read(&mut reader),
        limits: sections::limits(&mut reader),
        console: Console::read(&mut reader),
        log: Log::read(&mut reader),
    };
    let (settings, headings, problems) = reader.finish();
    if problems.is_empty() {
        Ok(Loaded {
            config,
            settings,
            headings,
        })
    } else {
        Err(Unreadable { problems })
    }
}

#[cfg(test)]
mod tests;
