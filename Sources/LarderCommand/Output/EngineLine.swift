import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

/// A running engine in a line: its name, process and user, how long it has run, and its caches.
enum EngineLine {
    static func text(_ place: Rendezvous) async -> String {
        guard let inspector = try? RemoteInspector(place, deadline: .milliseconds(500)) else {
            return place.name
        }
        let report = try? await inspector.report()
        await inspector.close()
        return report.map { text(place, $0) } ?? "\(place.name)  does not answer"
    }

    private static func text(_ place: Rendezvous, _ report: EngineReport) -> String {
        let age = report.started.map {
            Duration.seconds(report.wall.timeIntervalSince($0).rounded())
        }
        let parts = [
            place.name, report.isDemo ? "DEMO" : "", "pid \(report.pid)", report.user ?? "",
            age.map { "up \(Format.age($0))" } ?? "",
            report.caches.map { "\($0.name) \($0.snapshot.count)" }.joined(separator: ", "),
        ]
        return parts.filter { !$0.isEmpty }.joined(separator: "  ")
    }
}
