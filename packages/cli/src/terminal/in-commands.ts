import type { Environment } from '@finchat/secrets-core'

/** What a package calls a step or an option, and how the command line calls it. */
const words: readonly (readonly [inPackage: string, inCommands: string])[] = [
  ['releaseAuditFolder', '`finchat-secrets audit hold FOLDER --release --reason TEXT`'],
  ['copyAuditTrail', '`finchat-secrets audit copy FOLDER TARGET`'],
  ['as `hold`', 'as --hold'],
  ['`hold`', '--hold'],
  ['initAuditFolder', '`finchat-secrets audit init`'],
  ['`checkpointKey`', '--checkpoint-key'],
  ['where `checkpoint` says', 'where --checkpoints says'],
  ['without `checkpoint`', 'without --checkpoints'],
  ['`pruneKey`', '--prune-key'],
  ['`from` is not before `until`', '--from is not before --to'],
  ['name a time range, epoch milliseconds', 'name an earlier time by --from, or a later one by --to'],
  ['`auditor`', '--auditor'],
  ['`privateKey`', '--auditor-key'],
  ['`signingKey`', '--signing-key'],
  ['pass acceptGap: true', 'pass --accept-gap'],
  ['`reason`', '--reason'],
  ['`before`', '--before'],
  [`node -p "require('@finchat/secrets-provider-local').generateKey()"`, 'finchat-secrets keygen'],
  ['generateKey()', '`finchat-secrets keygen`'],
  ['with `storeSecret`', 'with `finchat-secrets set`'],
  ['with rotateSecret', 'with `finchat-secrets set`'],
  ['which verifySecret does not compare', 'which `finchat-secrets verify` does not compare'],
  ['with getSecretValue(…) and bytes()', 'with `finchat-secrets get`, into a pipe'],
  [', or pass acceptDegraded', ''],
  ['with discardSecret', 'with `finchat-secrets rotate NAME --discard`'],
  ['pass a generator that returns another value each time, such as passwordGenerator()', 'give another value, or --generate password'],
  ['see rotationStatus', 'see `finchat-secrets rotate NAME --status`'],
  ['pass force: true', 'pass --force'],
  ['`force: true`', '--force'],
  ['by `field`', 'by --field'],
  ['`force`', '--force'],
  ['`whenUnused`', '--when-unused'],
  ['with `rotate`', 'with `finchat-secrets rotate`'],
  ['a key that is not among `keys`', 'a key that is neither local.key nor local.otherKey'],
  ['add the new key everywhere before making it first', 'name the new key by local.otherKey everywhere before it is local.key'],
  ['give the new key, and make it the first of `keys`', 'name the new key by local.key (FINCHAT_ENCRYPTION_KEY)'],
  [', or give it more time: `timeoutMs`', ''],
  ['the client that `connect` returned', '`administrator`, which the target of this secret names'],
  ['correct `database` of the client', 'correct "database" of the target'],
  ['that the client from `connect` or `login` has a password', 'that the "password" of the target is not empty'],
  [', that `apply` and `test` concern the same one', ''],
  [
    'give the manager a keyvCache with a `client`, and the provider `sharedAs`',
    'leave it out: usage marks need a shared cache, set up in code',
  ],
]

/** The text of a package, with commands for the functions that it names. */
export function inCommands(text: string): string {
  return words.reduce((shown, [inPackage, command]) => shown.replaceAll(inPackage, command), text)
}

/** With npx in front of each command: who ran the program by npx has none of its name on the `PATH`. */
export function asCalled(text: string, { npm_lifecycle_event: script }: Environment): string {
  return script === 'npx' ? text.replaceAll(/(?<![\w./-])(?<!npx --no )finchat-secrets (?=[a-z-])/g, 'npx --no finchat-secrets ') : text
}
