//! Mail in our charge: kept until it is delivered, whatever happens in between.
