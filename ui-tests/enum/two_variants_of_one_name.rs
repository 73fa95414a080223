#[derive(diskmap::DiskValue)]
enum State {
    On,
    #[diskmap(rename = "On")]
    Off,
}

fn main() {}
