use diskmap::DiskHashMap;

fn main() {
    let _ = DiskHashMap::<f64, usize>::open("map");
}
