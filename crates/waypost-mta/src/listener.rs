//! Accepts connections and says who is calling.
