import Foundation

/// What a command printed; its complaints are its own.
///
/// - Throws: ``LeftOut`` where it is not there or failed.
func printed(by command: [String]) throws -> Data {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = command
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw LeftOut("\(command[0]) failed") }
    return data
}
