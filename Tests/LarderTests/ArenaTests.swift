import Foundation
import TestSupport
import Testing

@testable import Larder

/// Pages for chunks and tables come from a few mappings, however many blocks there are.
/// ThreadSanitizer makes mappings of its own for them.
@Suite(
    .serialized,
    .disabled(if: ProcessInfo.processInfo.environment["LARDER_SANITIZER"] == "thread")
)
struct `Blocks of pages` {
    private static var mappings: Int {
        let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8)
        return maps?.split(separator: "\n").count ?? 0
    }

    @Test(arguments: [2, 3, 25, 256])
    func `are few mappings, also with gaps between them`(pages: Int) {
        let before = Self.mappings
        let size = pages * Pages.size
        let blocks = (0..<3000).map { _ in Block.allocate(size, alignment: 8) }
        for (number, block) in blocks.enumerated() where number % 2 == 0 {
            Block.release(block, size, alignment: 8)
        }
        Block.giveBack()
        #expect(Self.mappings - before < 200)
        for (number, block) in blocks.enumerated() where number % 2 == 1 {
            Block.release(block, size, alignment: 8)
        }
        Block.giveBack()
        #expect(Self.mappings - before < 20)
    }

    @Test func `of a large cache with gaps are few mappings`() {
        let before = Self.mappings
        var slab = Slab<Int, Int>()
        let record = Record(writtenAt: 1, version: 1, loads: 0, bytes: 0, took: 0)
        // Of 1,024 slots each, behind seven smaller ones.
        let chunks = 2200
        for key in 0..<1016 + 1024 * chunks { _ = slab.add(record, key, key) }
        for chunk in stride(from: 0, to: chunks, by: 2) {
            for slot in 0..<1024 { _ = slab.remove(UInt32(1016 + 1024 * chunk + slot)) }
        }
        Block.giveBack()
        #expect(Self.mappings - before < 200)
        #expect(slab.count == 1016 + 1024 * chunks / 2)
    }

    @Test func `come from the allocator where the system has none`() {
        for pages in [2, 3, 256, 1000] {
            let size = pages * Pages.size
            let block = Block.allocate(size, alignment: 64) { _ in nil }
            #expect(UInt(bitPattern: block) % 64 == 0)
            block.initializeMemory(as: UInt8.self, repeating: 7, count: size)
            Block.release(block, size, alignment: 64)
            Block.giveBack()
        }
        var none = Arenas { _ in nil }
        #expect(none.take(2) == nil && none.take(256) == nil)
    }

    @Test func `never overlap, whatever is taken and given back`() {
        var random = Fuzz.random("arenas")
        var arenas = Arenas()
        var taken: [(address: UInt, pages: Int)] = []
        func word(_ address: UInt, _ page: Int) -> UnsafeMutablePointer<UInt> {
            UnsafeMutablePointer(bitPattern: address + UInt(page * Pages.size))!
        }
        for round in 0..<min(Fuzz.count, 20_000) {
            // More and more, then less and less.
            let grows = Int.random(in: 0..<10, using: &random) < (round / 500 % 2 == 0 ? 7 : 3)
            if grows || taken.isEmpty {
                let most = [4, 30, Arenas.mostPages].randomElement(using: &random)!
                let pages = Int.random(in: 1...most, using: &random)
                guard let address = arenas.take(pages) else {
                    Issue.record("no pages")
                    return
                }
                #expect(address % UInt(Pages.size) == 0)
                taken.append((address, pages))
                for page in 0..<pages { word(address, page).pointee = address }
            } else {
                let place = taken.indices.randomElement(using: &random)!
                let (address, pages) = taken.remove(at: place)
                // Nobody else wrote there.
                #expect((0..<pages).allSatisfy { word(address, $0).pointee == address })
                arenas.give(address, pages)
            }
            if round % 100 == 0 { arenas.checkInvariants() }
        }
        for (address, pages) in taken { arenas.give(address, pages) }
        arenas.checkInvariants()
        #expect(arenas.count == 1)
    }
}
