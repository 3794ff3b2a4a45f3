import Synchronization

#if LARDER_SLIM
    extension EntryFilter {
        /// A program that nobody can look into has no regular expressions: Foundation's would be
        /// most of it.
        struct Pattern: Sendable {
            init?(_: String, _: Steps) { return nil }
            func matches(_: String) -> Bool { false }
        }
    }
#else
    import Foundation

    extension EntryFilter {
        /// A regular expression that is given up where its search goes on and on: some go back and
        /// forth over a dozen characters for hours.
        final class Pattern: Sendable {
            private let expression: NSRegularExpression
            private let steps: Steps

            init?(_ text: String, _ steps: Steps) {
                guard let made = try? NSRegularExpression(pattern: text) else { return nil }
                expression = made
                self.steps = steps
            }

            func matches(_ value: String) -> Bool {
                guard !steps.areSpent else { return false }
                var isFound = false
                // One report for each place that is tried is usual: so many are free, but not for
                // long.
                var usual = value.utf16.count + 2
                var end: Duration?
                let all = NSRange(location: 0, length: value.utf16.count)
                expression.enumerateMatches(in: value, options: .reportProgress, range: all) {
                    found, _, stop in
                    if found != nil {
                        isFound = true
                        stop.pointee = true
                    } else if usual > 0 {
                        usual -= 1
                        guard usual % 16 == 0 else { return }
                        let now = Patience.now
                        end = end ?? now + Self.longest
                        guard now > end! else { return }
                        self.steps.spendAll()
                        stop.pointee = true
                    } else if !self.steps.spend() {
                        stop.pointee = true
                    }
                }
                return isFound
            }

            private static let longest = Duration.milliseconds(250)
        }
    }
#endif

extension EntryFilter {
    /// What all patterns of a filter may spend together, ten thousand steps each.
    final class Steps: Sendable {
        private let left = Atomic(200)

        var areSpent: Bool { left.load(ordering: .relaxed) <= 0 }

        /// Returns whether there are any left.
        func spend() -> Bool { left.subtract(1, ordering: .relaxed).newValue > 0 }

        func spendAll() { left.store(0, ordering: .relaxed) }
    }
}
