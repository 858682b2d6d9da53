//! Where does this recipient go.
