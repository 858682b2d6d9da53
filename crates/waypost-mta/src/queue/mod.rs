//! When a message goes: the schedule, what is ready, and how an administrator changes it.

pub mod control;
mod ready;
mod recent;
pub mod schedule;
mod timetable;
