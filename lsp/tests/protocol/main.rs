//! The real server over its real streams: every capability that it announces, in a conversation.

#[cfg(test)]
mod announced;
#[cfg(test)]
mod basics;
#[cfg(test)]
mod client;
#[cfg(test)]
mod names;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod robust;
#[cfg(test)]
mod writing;
