import type { SecretsError } from '../errors/secrets-error.ts'
import { configurationError } from '../options/check-option.ts'
import { systemCode } from './file-failure.ts'

/** A package that is loaded at its first use. */
export interface LoadedOnUse {
  /** What it is in an error, such as `the AWS SDK`. */
  readonly what: string
  /** Its name, such as `@aws-sdk/client-secrets-manager`. */
  readonly name: string
}

interface Fault {
  readonly reason: string
  readonly remedy: string
}

/**
 * Resolves to the module that `load` imports. Rejects with `CONFIGURATION` if it is not installed,
 * bundled so that it cannot be loaded, or broken. `member` is one of its exports: in a bundle of one
 * file the module may not have run yet. The error shows nothing of another one but a name of a
 * module of Node.js, or a short code.
 *
 * @example
 * import { loadOnUse } from '@finchat/secrets-core/provider'
 *
 * const loaded = { what: 'the client', name: '@acme/store-client' }
 * const load = (): Promise<{ connect: () => void }> => import(loaded.name)
 * const failure = await loadOnUse(loaded, load, 'connect').catch((error: unknown) => error)
 * console.log(failure instanceof Error && failure.message.split(' (')[0]) // the client cannot be loaded: it is not installed
 */
export async function loadOnUse<Module extends object>(
  loaded: LoadedOnUse,
  load: () => Promise<Module>,
  member: keyof Module,
): Promise<Module> {
  const module: Module | undefined = await load().catch((error: unknown) => {
    throw failed(loaded, knownFault(loaded.name, error) ?? otherFault(loaded.name, error))
  })
  if (module?.[member] !== undefined) return module
  throw failed(loaded, notRun)
}

/**
 * Returns `CONFIGURATION` if the error has a form in which Node.js or a bundler says that a module
 * cannot be loaded; `undefined` for any other error. For calls into a package that loads its parts
 * on use.
 *
 * @example
 * import { knownLoadFailure } from '@finchat/secrets-core/provider'
 *
 * const client = { what: 'the client', name: '@acme/store-client' }
 * console.log(knownLoadFailure(client, new Error('Dynamic require of "tls" is not supported'))?.code) // CONFIGURATION
 * console.log(knownLoadFailure(client, new Error('403'))) // undefined
 */
export function knownLoadFailure(loaded: LoadedOnUse, error: unknown): SecretsError | undefined {
  const fault = knownFault(loaded.name, error)
  return fault && failed(loaded, fault)
}

function failed({ what }: LoadedOnUse, { reason, remedy }: Fault): SecretsError {
  return configurationError(`${what} cannot be loaded: ${reason}`, remedy)
}

/** In a bundle of one file, a module may run after an entry that waits for it. */
const notRun: Fault = {
  reason: 'in this bundle it has not run yet',
  remedy: 'let the bundler write several files, or wait for nothing at the top level of the entry',
}

/** Each is all of a message that its bundler or runtime writes, but for remedies behind it. */
const requires: readonly RegExp[] = [
  /^Dynamic require of "(.*?)" is not supported/, // esbuild, Vite, Bun
  /^Calling `require` for "(.*?)" in an environment/, // Rolldown
  /^Could not dynamically require "(.*?)"\./, // @rollup/plugin-commonjs
  /^(?:require|module|exports|__dirname|__filename) is not defined/, // CommonJS inside an ES module
]

function knownFault(name: string, error: unknown): Fault | undefined {
  const { code, message } = textsOf(error)
  if (/^(ERR_)?MODULE_NOT_FOUND$/.test(code)) return missingFault(name, message)
  const required = requires.map((form) => form.exec(message)).find((match) => match !== null)
  if (!required) return undefined
  const remedy = `for esbuild set mainFields: ['module', 'main'], for others the platform node; or mark ${name} external`
  return { reason: `the bundle's \`require\` cannot load ${builtinOr('modules', required[1])}`, remedy }
}

/** Node.js, Bun and Deno quote first what is missing; later the file that imports it. */
function missingFault(name: string, message: string): Fault {
  if (/["'](.*?)["']/.exec(message)?.[1] === name)
    return { reason: 'it is not installed', remedy: `install ${name}, also beside a bundle in which it is external` }
  return {
    reason: 'a module that it needs is missing',
    remedy: `install ${name} again; of a bundle, deploy every file that the bundler wrote`,
  }
}

function otherFault(name: string, error: unknown): Fault {
  const code = systemCode(error)
  if (code === 'ERR_ACCESS_DENIED')
    return { reason: 'this process may not read it', remedy: `allow it by --allow-fs-read of the folder of ${name}` }
  return {
    reason: `it is there, but failed${code === undefined ? '' : ` with ${code}`}`,
    remedy: `run \`node --import ${name} --eval 0\` in its folder, which prints why`,
  }
}

/** Any other name could be text of the application. */
function builtinOr(otherwise: string, name: string = ''): string {
  return /^(node:)?[a-z_/0-9]{2,30}$/.test(name) && process.getBuiltinModule(name) !== undefined ? name : otherwise
}

function textsOf(error: unknown): { readonly code: string; readonly message: string } {
  try {
    const { code, message }: { readonly code?: unknown; readonly message?: unknown } = Object(error)
    return { code: typeof code === 'string' ? code : '', message: typeof message === 'string' ? message : '' }
  } catch {
    return { code: '', message: '' } // a foreign object's members may throw
  }
}
