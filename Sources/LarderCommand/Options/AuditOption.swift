import ArgumentParser
import LarderInspector

/// Where changes are written down, and whether one may go without.
struct AuditOption: ParsableArguments {
    @Option(
        help: """
            A file to which every change is appended, a line of JSON each: time, who, why, before \
            and after. (mode 0600)
            """)
    var audit: String?

    @Flag(
        help: """
            Change nothing that could not be written to the --audit file first, as a line of what \
            is about to be done.
            """)
    var auditRequired = false

    /// Asked for here, because settings that come from several places are read one by one before.
    func file() throws -> AuditFile? {
        guard let audit else {
            guard !auditRequired else {
                throw ValidationError("--audit-required: name the file with --audit")
            }
            return nil
        }
        return try AuditFile(audit)
    }

    /// Writes down every change of an engine from now on; `failed` is told where that fails, as is
    /// whoever makes the change.
    func record(
        _ inspector: LocalInspector, in file: AuditFile?,
        failed: @escaping @Sendable (InspectorError) -> Void
    ) {
        guard let file else { return }
        inspector.record(intents: auditRequired) { record in
            do throws(InspectorError) { try file.write(record) } catch {
                failed(error)
                throw error
            }
        }
    }
}
