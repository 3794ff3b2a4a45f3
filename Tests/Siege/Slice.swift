import Foundation

/// With `LARDER_SIEGE=whole` everything is tried, which takes some seven minutes.
let isWholeSiege = ProcessInfo.processInfo.environment["LARDER_SIEGE"] == "whole"

/// One in `part` of what there is to try, from a place that differs from run to run and is printed;
/// all of it in a whole siege.
func some<Item>(_ all: [Item], oneIn part: Int, place: String = #function) -> [Item] {
    guard !isWholeSiege, all.count >= part else { return all }
    let first = Int.random(in: 0..<part)
    print("siege: \(place): one in \(part), from \(first)")
    return all.indices.filter { $0 % part == first }.map { all[$0] }
}
