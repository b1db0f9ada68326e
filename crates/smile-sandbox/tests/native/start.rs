//! Starting, looking around, stopping.

use crate::case::{Case, Context, block_on};

pub(crate) fn cases() -> Vec<Case> {
    vec![Case { name: "starts_and_leaves_nothing", run: starts_and_leaves_nothing }]
}

fn starts_and_leaves_nothing(context: &Context) {
    block_on(async {
        let mut inside = context.host_base().await;
        assert_eq!(inside.ok("id -u; pwd; echo $$ > f; cat f | wc -l").await, "0\n/root/work\n1\n");
        assert_eq!(inside.ok("hostname").await, "smile\n");
        inside.ok("test -z \"$(ls -A /home)\"").await;
        inside.stop().await;
    });
}
