import ArgumentParser
import LarderSocket

struct DashboardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dashboard", abstract: "Print a dashboard for Grafana, over /metrics.",
        discussion: """
            Example:
              larder dashboard > larder.json

            Grafana imports it as it is, and asks which Prometheus it is over.
            """)

    func run() { Output.print(json: Dashboard.json) }
}
