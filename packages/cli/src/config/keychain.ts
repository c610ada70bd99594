import { SecretsError } from '@finchat/secrets-core'
import { loadOnUse } from '@finchat/secrets-core/provider'
import { UsageError } from '../terminal/known-error.ts'
import { shellWord } from '../terminal/shell-word.ts'
import { inProject, withInstallCommand } from './project-package.ts'

/** All entries of the program in the keychain are of this service. */
const service = 'finchat-secrets'

type Keyring = typeof import('@napi-rs/keyring')
type Entry = InstanceType<Keyring['AsyncEntry']>

/** The text in an entry of the operating system's keychain; `what` needs it. `folder` is the project. */
export async function readKeychain(name: string, what: string, folder: string): Promise<string> {
  const text = await asked(await entryOf(name, folder), (entry) => entry.getPassword())
  if (text) return text
  throw new SecretsError('CREDENTIALS_MISSING', `${what} is in the keychain entry ${name}, which is not there`, {
    remedy: `make a key by \`finchat-secrets keygen --keychain ${shellWord(name)}\`, or name another place`,
  })
}

export async function isInKeychain(name: string, folder: string): Promise<boolean> {
  return Boolean(await asked(await entryOf(name, folder), (entry) => entry.getPassword()))
}

/** Writes a new entry. An existing one is refused: what its key sealed could not be opened any more. */
export async function writeKeychain(name: string, text: string, folder: string): Promise<void> {
  if (await isInKeychain(name, folder))
    throw new UsageError(`the keychain has an entry ${name}, which is not overwritten`, 'choose another name, or use the key that is there')
  const entry = await entryOf(name, folder)
  await asked(entry, () => entry.setPassword(text))
  if ((await asked(entry, () => entry.getPassword())) === text) return
  throw new UsageError(`another run wrote the keychain entry ${name} at the same time`, 'use the key that is there')
}

/** On Linux never the kernel's keyring, which the library falls back to: it forgets a key when the machine restarts. */
async function entryOf(name: string, folder: string): Promise<Entry> {
  const loaded = { what: 'the keychain', name: '@napi-rs/keyring' }
  const { AsyncEntry } = await loadOnUse(
    loaded,
    async (): Promise<Keyring> => (inProject(loaded.name, folder)?.() as Keyring | undefined) ?? import('@napi-rs/keyring'),
    'AsyncEntry',
  ).catch(withInstallCommand(loaded, folder))
  return asked(AsyncEntry, (Class) => Promise.resolve(new Class(service, name, { linux: { store: 'secret-service' } })))
}

/** The library's own text is not shown. */
async function asked<On, T>(on: On, call: (on: On) => Promise<T>): Promise<T> {
  try {
    return await call(on)
  } catch {
    throw new SecretsError(
      'CREDENTIALS_MISSING',
      'the keychain of the operating system does not answer: there is none here, or it is locked',
      {
        remedy: 'unlock it, or keep the key in a file or a variable',
      },
    )
  }
}
