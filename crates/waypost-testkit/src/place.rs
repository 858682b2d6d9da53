//! A place on loopback for one test: an address that nobody else uses.

use std::net::{IpAddr, Ipv4Addr, TcpListener};

use anyhow::{Context as _, Result};

/// How many addresses are tried before giving up.
const TRIES: u32 = 50;

/// An unused address in 127.0.0.0/8, drawn at random, so that tests in other processes get others.
///
/// A site is recognised by its address (two sites on one machine each have their own), and an
/// address of one's own makes every port on it free.
///
/// # Errors
///
/// When no drawn address can be bound, which means that loopback is not what it should be.
pub fn unused_address() -> Result<IpAddr> {
    for _ in 0..TRIES {
        let [a, b, c, d] = rand_bytes();
        // Away from 127.0.x.y, which people and `make run` use.
        let address = Ipv4Addr::new(127, 1 + a % 250, b, 1 + c % 250);
        let port = 20_000 + u16::from(d) * 100;
        if TcpListener::bind((address, port)).is_ok() {
            return Ok(address.into());
        }
    }
    anyhow::bail!("no address in 127.0.0.0/8 could be bound in {TRIES} tries")
}

/// A port that is free on this address now.
///
/// # Errors
///
/// When nothing can be bound there.
pub fn free_port(address: IpAddr) -> Result<u16> {
    let listener = TcpListener::bind((address, 0)).with_context(|| format!("bind {address}"))?;
    Ok(listener.local_addr()?.port())
}

fn rand_bytes() -> [u8; 4] {
    use std::hash::{BuildHasher as _, RandomState};
    let mixed = RandomState::new().hash_one(std::process::id());
    let [a, b, c, d, ..] = mixed.to_le_bytes();
    [a, b, c, d]
}
