import ArgumentParser

@main
struct LarderBench: AsyncParsableCommand {
    func run() async throws {}
}
