import type { Finding } from './scan-contents.ts'
import { reasonOf } from './report.ts'

/** What CI systems show beside the code: https://docs.oasis-open.org/sarif/sarif/v2.1.0 */
export function sarifOf(findings: readonly Finding[]): object {
  const rules = [...new Set(findings.map(ruleOf))]
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'finchat-secrets', informationUri, rules: rules.map((id) => ({ id })) } },
        results: findings.map((finding) => ({
          ruleId: ruleOf(finding),
          level: 'error',
          message: { text: `${reasonOf(finding)}${inCommit(finding)}. Rotate it first, then remove it here.` },
          locations: [{ physicalLocation: placeOf(finding) }],
        })),
      },
    ],
  }
}

const informationUri = 'https://github.com/finchat/secrets/blob/main/docs/cli.md'

function inCommit({ commit }: Finding): string {
  return commit === undefined ? '' : `, in commit ${commit}`
}

function ruleOf({ name, rule }: Finding): string {
  return rule === undefined ? `known-secret/${name}` : `known-form/${rule}`
}

function placeOf({ path, line, column }: Finding): object {
  return { artifactLocation: { uri: encodeURI(path) }, region: { startLine: line, startColumn: column } }
}
