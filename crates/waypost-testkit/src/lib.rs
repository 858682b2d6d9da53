//! What tests need: scripted peers, launchers of real servers, ledgers.
