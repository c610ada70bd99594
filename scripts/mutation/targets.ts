import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../files.ts'
import { type Mutant, schemataOf } from './schemata.ts'

/** The code that decides: a surviving mutant there shows a missing test. */
const decisive: Readonly<Record<string, readonly string[]>> = {
  'packages/core/src': [
    'cache/batch',
    'cache/entries',
    'cache/former-values',
    'cache/freshness',
    'cache/path-history',
    'cache/patience',
    'cache/provider-cache',
    'cache/single-flight',
    'cache/shared/blocked-paths',
    'cache/shared/pending-invalidations',
    'chain/answer-at',
    'chain/chain',
    'chain/fallback-policy',
    'chain/locator',
    'errors/error-classes',
    'guard/back-off',
    'guard/check-answer',
    'guard/circuit-breaker',
    'guard/deadline',
    'guard/guard',
    'guard/listed-entries',
    'guard/outage-warning',
    'guard/trusted-error',
    'guard/use-count',
    'guard/wrap-provider',
    'kit/builtins',
    'kit/credential',
    'kit/error-code',
    'kit/file-failure',
    'kit/input',
    'kit/json-object',
    'kit/load-on-use',
    'kit/mounted/folder-changes',
    'kit/receipt',
    'kit/secret-file',
    'kit/tls',
    'kit/upcoming',
    'kit/whole-number',
    'live/known/current',
    'live/known/known-version',
    'live/known/live-state',
    'live/known/same-secret',
    'live/live-hub',
    'live/logins/candidates',
    'live/logins/held-logins',
    'live/logins/login-scope',
    'live/logins/trials',
    'live/logins/use-options',
    'live/look-timer',
    'live/schedule',
    'live/use-secret',
    'live/watch',
    'manager/build-chain',
    'manager/readiness',
    'sealing/encryption-key',
    'sealing/length-prefixed',
    'sealing/mac',
    'sealing/seal',
    'sealing/seal-key',
    'staging/pending-secret',
    'staging/stage-secret',
    'staging/staged-content',
    'usage/handle-usage',
    'usage/login-usage',
    'usage/mark-input',
    'usage/path-usage',
    'usage/process-usage',
    'usage/read-usage',
    'usage/register-use',
    'usage/usage-places',
    'value/digest',
    'value/moment',
    'verify/fleet-formers',
    'verify/recheck-limit',
    'verify/skipped-numbers',
    'verify/verifier',
    'verify/verify-options',
    'write/put',
  ],
  'packages/provider-local/src': [
    'keys/key-bytes',
    'keys/derive-keys',
    'keys/key-table',
    'keys/key-cache',
    'merkle/index-digests',
    'merkle/leaf',
    'merkle/bucket',
  ],
  'packages/core/src/http': ['connection-failure', 'http-client', 'tls-material', 'server-url'],
  'packages/provider-vault/src/http': ['answer', 'client-transport', 'transport', 'url'],
  'packages/rotation/src/aws': [
    'aws-error',
    'aws-rotation-handler',
    'labels',
    'rotation-event',
    'rotation-store',
    'secret-versions',
    'steps',
  ],
  'packages/audit/src/disk': ['line-buffer'],
  'packages/audit/src/file': ['group-commit', 'segment-writer', 'file-sink', 'segment-rotation'],
  'packages/cache-keyv/src': [
    'protocol/turn',
    'protocol/usage-chain',
    'protocol/usage-marks',
    'sealed/usage-names',
    'sealed/usage-texts',
    'store/server-run',
  ],
  'packages/rotation/src': [
    'engine/finish',
    'engine/former-usage',
    'engine/grace',
    'engine/last-uses',
    'engine/retire-previous',
    'engine/rotate',
    'engine/rotation-status',
    'engine/stored-versions',
    'engine/target-steps',
    'generate/password',
    'generate/unbiased',
    'policy/duration',
    'policy/rotate-due',
    'policy/rotation-policy',
  ],
  'packages/provider-aws-ssm/src': ['model/input', 'model/names', 'read/batch'],
  'packages/provider-file/src': [
    'age/age-document',
    'age/identity',
    'age/open-age',
    'sops/data-key',
    'sops/metadata',
    'sops/read-dotenv',
    'sops/read-json',
    'sops/read-yaml',
    'sops/sealed-leaf',
    'sops/tree',
    'sops/unseal',
  ],
  'packages/provider-kubernetes/src': ['api/status', 'secret/secret-object', 'secret/watch-events', 'secret/watches'],
  'packages/create-secrets-provider/src': ['names'],
  'packages/cli/src': [
    'child/end-child',
    'child/piece-index',
    'child/redacted-values',
    'child/redactor',
    'child/supervisor',
    'config/parse-config',
    'scan/content-search',
    'forms/forms',
    'forms/text-forms',
    'sealed/environment',
    'terminal/exit-codes',
    'transfer/transfer',
  ],
}

/** Of what a store and a fleet gave before the current value. */
const formers = [
  'packages/core/src/{cache/former-values,verify/fleet-formers}.test.ts',
  'tests/manager/src/{clocks,grace,grace-versions}.test.ts',
  'packages/cache-keyv/src/formers.test.ts',
]

/**
 * The tests that may find a mutant of the file, or of one in the folder. Core's own cannot use the
 * testkit; those that do are in tests/manager.
 */
const tests: Readonly<Record<string, readonly string[]>> = {
  'packages/core/src': [
    'packages/core/src/**/*.test.ts',
    'tests/manager/src/{batch,batch-leases,clocks,closing,fallback,freshness,one-path,own-changes,policy-model,reading,shared,verifying,writing}.test.ts',
  ],
  'packages/core/src/cache/former-values': formers,
  // It is for authors of any provider, so its own tests must find its mutants.
  'packages/core/src/kit': ['packages/core/src/kit/**/*.test.ts'],
  'packages/core/src/kit/mounted': ['packages/core/src/{kit/mounted,env}/*.test.ts'],
  // Vault's own tests are those of the code that it shares.
  'packages/core/src/http': [
    'packages/core/src/http/*.test.ts',
    'packages/provider-vault/src/http/*.test.ts',
    'packages/provider-vault/src/{options,transport}.test.ts',
  ],
  'packages/core/src/env': ['packages/core/src/env/*.test.ts'],
  'packages/core/src/live': ['packages/core/src/live/**/!(use-secret-model).test.ts'],
  'packages/core/src/manager/readiness': ['packages/core/src/manager/can-serve.test.ts'],
  'packages/core/src/staging': ['packages/core/src/staging/*.test.ts'],
  'packages/core/src/usage': ['tests/manager/src/usage-marks.test.ts'],
  'packages/core/src/value/moment': ['packages/core/src/value/moment.test.ts'],
  'packages/core/src/verify/fleet-formers': formers,
  'packages/core/src/verify/skipped-numbers': ['packages/core/src/verify/skipped-numbers.test.ts', 'tests/manager/src/verifying.test.ts'],
  'packages/cache-keyv/src': ['packages/cache-keyv/src/{usage-chain,usage-marks,usage-model,store/server-run}.test.ts'],
  'packages/provider-local/src': [
    'packages/provider-local/src/{fixture,key-rotation,leaks,local-provider,tampering,vectors}.test.ts',
    'packages/provider-local/src/{keys/derive-keys,keys/key-table,keys/key-cache,merkle/bucket,merkle/leaf}.test.ts',
  ],
  'packages/provider-vault/src': ['packages/provider-vault/src/http/*.test.ts', 'packages/provider-vault/src/{options,transport}.test.ts'],
  'packages/rotation/src/aws': [
    'packages/rotation/src/aws/{aws-error,aws-rotation-handler,field,labels,meanwhile,refused-events,time-limits}.test.ts',
  ],
  'packages/audit/src': [
    'packages/audit/src/file/{group-commit,checkpoint-sender,crowd,file-sink,not-ready,segment-keys,segment-rotation,segment-writer}.test.ts',
    'packages/audit/src/{unusable-options,disk/line-buffer,trail/fail-closed,verify/{attested,last-segment,torn-tail}}.test.ts',
  ],
  'packages/rotation/src': ['packages/rotation/src/{engine,generate,policy}/*.test.ts'],
  'packages/provider-aws-ssm/src': ['packages/provider-aws-ssm/src/{model/*,read/batch*}.test.ts'],
  'packages/provider-file/src/age': ['packages/provider-file/src/{leaks,missing-packages,age/*}.test.ts'],
  'packages/provider-file/src/sops': ['packages/provider-file/src/{leaks,missing-packages,sops/*}.test.ts'],
  'packages/provider-kubernetes/src': ['packages/provider-kubernetes/src/{api,secret}/*.test.ts'],
  'packages/cli/src/child': ['packages/cli/src/child/{piece-index,redacted-values,redactor}.test.ts'],
  'packages/cli/src/child/end-child': ['packages/cli/src/child/supervisor.test.ts'],
  'packages/cli/src/child/supervisor': ['packages/cli/src/child/supervisor.test.ts', 'packages/cli/src/operations/run.test.ts'],
  'packages/cli/src/config/parse-config': ['packages/cli/src/config/{load-config,parse-config,settings}.test.ts'],
  'packages/cli/src/forms': ['packages/cli/src/{forms/*,scan/content-search,child/redactor}.test.ts'],
  'packages/cli/src/scan': ['packages/cli/src/scan/content-search.test.ts'],
  'packages/cli/src/sealed': ['packages/cli/src/sealed/environment.test.ts'],
  'packages/cli/src/terminal/exit-codes': ['packages/cli/src/terminal/{exit-codes,failure}.test.ts'],
  'packages/cli/src/transfer': ['packages/cli/src/{operations/migrate,transfer/transfer}.test.ts'],
  'packages/create-secrets-provider/src': ['packages/create-secrets-provider/src/*.test.ts'],
}

export const targets: readonly string[] = Object.entries(decisive).flatMap(([folder, files]) => files.map((file) => `${folder}/${file}.ts`))

/** The tests' files for these targets, as absolute paths. */
export function testsFor(files: readonly string[]): readonly string[] {
  const patterns = files.flatMap((file) => tests[innermost(file)] ?? [])
  return globSync([...new Set(patterns)], { cwd: root }).map((file) => join(root, file))
}

/** Of those that have tests, the file itself, or the folder that is nearest to it. */
function innermost(file: string): string {
  const around = Object.keys(tests).filter((place) => file === `${place}.ts` || file.startsWith(`${place}/`))
  return around.reduce((nearest, place) => (place.length > nearest.length ? place : nearest), '')
}

export interface MutatedCode {
  readonly mutants: readonly Mutant[]
  /** By absolute path. */
  readonly code: ReadonlyMap<string, string>
}

/** All targets' mutants, numbered through. */
export function mutatedCode(files: readonly string[]): MutatedCode {
  const mutants: Mutant[] = []
  const code = new Map<string, string>()
  for (const file of files) {
    const schemata = schemataOf(file, readFileSync(join(root, file), 'utf8'), mutants.length)
    mutants.push(...schemata.mutants)
    code.set(join(root, file), schemata.code)
  }
  return { mutants, code }
}
