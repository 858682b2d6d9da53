//! The composition root: builds the parts, joins them, runs them, ends them in order.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use waypost_directory::Directory;
use waypost_spool::Spool;

use crate::bridge::Bridge;
use crate::cli::Failure;
use crate::config::Loaded;
use crate::control::Socket;
use crate::here::Listening;
use crate::{cli, layout, logging};

/// Runs the server until it is told to end.
pub(crate) fn serve(_file: &Path, loaded: Loaded) -> Result<(), Failure> {
    let config = &loaded.config;
    logging::start(&config.log, config.top.hostname.as_str())?;
    let data_dir = &config.top.data_dir;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .with_context(|| format!("cannot make {}", data_dir.display()))?;
    let (spool, _) = Spool::open(&layout::spool(data_dir), waypost_spool::Settings::default())
        .context("cannot open the spool")?;
    let directory =
        Directory::open(&layout::directory(data_dir)).context("cannot open the directory")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(run(&loaded, spool, directory))
}

async fn run(loaded: &Loaded, spool: Spool, directory: Directory) -> Result<(), Failure> {
    let config = &loaded.config;
    let socket = Socket::bind(&config.control_socket())
        .with_context(|| "cannot listen on the control socket".to_owned())?;
    let mut end = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let bridge = Bridge {
        directory: Arc::new(directory),
        spool,
        here: Arc::new(Listening::new(config.top.hostname.clone(), Vec::new())),
        data_dir: config.top.data_dir.clone(),
        reload: Box::new(|| Ok(Vec::new())),
    };
    let control = tokio::spawn(socket.serve(Arc::new(bridge)));
    cli::print("ready")?;
    notify(&[NotifyState::Ready]);
    tokio::select! {
        _ = end.recv() => {}
        _ = interrupt.recv() => {}
    }
    notify(&[NotifyState::Stopping]);
    control.abort();
    Ok(())
}

/// Tells systemd, if it runs this process.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("cannot notify systemd: {error}");
    }
}
