//! The whole program over the network and through its own commands: one test binary, one module
//! per behaviour.

mod manual;
