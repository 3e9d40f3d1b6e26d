//! Deploys: folding their events, their windows and scope, attribution, and when a page may be held.

pub mod around;
pub mod attribute;
mod evidence;
pub mod facts;
pub mod fold;
pub mod gate;
pub mod habit;
pub mod hold;
pub mod live;
pub mod risk;
pub mod rollback;
pub mod scope;
pub mod shift;
pub mod signature;
pub mod storm;
pub mod topic;
pub mod trial;
pub mod verdict;
pub mod weigh;
pub mod window;
