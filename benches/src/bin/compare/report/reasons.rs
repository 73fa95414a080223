//! Why targets that were missed are hard to reach, and what was tried: what no run can find out by itself.
//!
//! Must not know figures of a run. Invariant: every reason is of a target that there is.

/// The reason for a target, if it was ever looked for.
pub(super) fn of(target: &str) -> Option<&'static str> {
    REASONS.iter().find(|(name, _)| *name == target).map(|&(_, reason)| reason)
}

const LOOKUP: &str = "A loop of independent look-ups runs as many side by side as fit the instructions that a core looks ahead. \
    diskmap takes 63 for a hit and 56 for a miss (callgrind, benches/instructions.tsv), `hashbrown` about 27: the hash is \
    multiplied once more so that any hasher will do, the directory comes before the segment, keys and tags are compared in words \
    that another thread may write, and both ways out are checked for damage. A hit waits for two lines, as \
    there; a miss, since no slot is asked for before its control word, for one, as there. Tried: the home bucket and the \
    next one as one word of 8 lanes (15 instructions more), control words among the buckets (fewer pages, but they no longer stay in the caches), a second look at the directory left \
    out, results that are not merged in memory. What would save two to four more: addresses in place of offsets in the \
    directory. Where look-ups wait for one another, or are asked for together, diskmap is the faster one.";

const PRESIZED_TEXTS: &str = "String → u64 try_extend presized / own inserts";
const PRESIZED_BYTES: &str = "u64 → 100 B try_extend presized / own inserts";
const PAGES: &str = "Most likely fresh pages. Capacity in advance saves splits, not pages: in a virtual machine whose host takes \
    memory back that was free for some seconds, a fresh page comes about 20 times as slowly as one that was just freed, and both \
    ways of loading wait for these alike. On an AMD EPYC the ratio was 0.3 to 0.4.";

const REASONS: [(&str, &str); 13] = [
    (
        "u64 → u64 insert / hashbrown",
        "What an insert costs beyond looking up are new pages: files grow page by page, while `hashbrown` asks for all its memory \
         at once and has it in the same moment that it is doubled (its longest insert, below). Clearing and mapping \
         pages is a large part of the time. Tried: pages brought in ahead by a helper thread and huge pages (both are in), \
         one look for both the key and its place, none of the pages ahead when they are slow. `try_extend` and a capacity \
         given in advance avoid most of it.",
    ),
    ("u64 → u64 hit / hashbrown", LOOKUP),
    ("u64 → u64 miss / hashbrown", LOOKUP),
    (
        "u64 → u64 get_many hit / hashbrown hit",
        "A control word and a slot are two lines from memory; `hashbrown`'s loop, short as it is, has as many on their way. What \
         is left is how many lines, and walks of page tables, a core has under way at a time, and that differs between \
         machines more than anything else here: a loop that does nothing but touch such lines takes 14 to 16 ns on an Intel \
         Xeon. Tried: fetching only the slot that the control word tells of, steps of two blocks taken key by key, slots into \
         the second level of caches (all are in), blocks of 8, 16 and 32, a step of each kind with every key, buckets in one \
         word without a branch.",
    ),
    (
        "String → u64 hit / hashbrown",
        "Both follow a control word, a slot and then the text, which no core can ask for before the slot is there. diskmap takes \
         182 instructions for that (callgrind): a third are the hash, and then it reads the record's lengths, compares them with the \
         end of the heap, and only then the texts. How much of it is hidden behind the misses differs between machines: on an \
         AMD EPYC the two are about equal, `get_many` is ahead on all.",
    ),
    (
        "String → u64 miss / hashbrown",
        "Hashing a text of 21 bytes is half of the instructions. Of the rest the same holds as for numbers: a control word, and as \
         many misses as `hashbrown`.",
    ),
    (
        "u64 → 100 B hit / hashbrown",
        "`hashbrown` reads a pointer and the first line of the value. diskmap reads the slot, the head of the record with \
         its lengths, and the same line of the value, and compares lengths with the end of the heap before it makes a \
         slice: damage in a file must never be a fault. As many misses, more instructions.",
    ),
    (
        "u64 → 100 B update / hashbrown",
        "`hashbrown` overwrites a pointer in place and frees the old box. diskmap writes a new record with a checksum, publishes \
         it with one store, and frees the old cell in the table of its block, so that a kill at any moment leaves one \
         value or the other. `insert` returns the old value, which is a miss more. Tried: prefetching the old record and \
         its block before the new one is written, validating it last, live bits by plain stores where there is one writer (a quarter \
         of the time; all are in), opening blocks only when an eighth of their cells is free (half of the time; in).",
    ),
    (
        "longest insert while growing / hashbrown",
        "The longest inserts wait for the kernel: an `fallocate` of a growing file, or a huge page that the host has to find. \
         The map itself never does more than one split of a segment. Tried: growth in smaller steps when a step took long, a \
         lead of pages brought in by another thread, small pages where huge ones are slow (longer on the whole).",
    ),
    (PRESIZED_TEXTS, PAGES),
    (PRESIZED_BYTES, PAGES),
    (
        "reopen after kill / fastest of every peer on disk",
        "LMDB maps its file and reads two pages. diskmap reads the tables of segments and blocks whole and checks that they fit \
         together before it believes any of it. Tried: counting entries only when somebody asks, the directory made in one pass, \
         tables of whole lines, fewer system calls and no sync before the first change (all are in: 8 ms before, and it no longer \
         counts entries).",
    ),
    (
        "random gets over 4 GiB and more, huge pages / small pages",
        "Huge pages save the walks of page tables, not the misses, and records of 100 bytes have three of these. In a virtual machine \
         the host's tables are walked all the same, and where these are of small pages, that is most of the walk.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::targets;

    #[test]
    fn reasons_are_of_targets() {
        let targets = targets::all();
        for (name, _) in REASONS {
            assert!(targets.iter().any(|target| target.what() == name), "{name}");
        }
    }
}
