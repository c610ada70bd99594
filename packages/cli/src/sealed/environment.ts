import { syncBuiltinESMExports } from 'node:module'
import { unpackValues } from './packed-values.ts'

type Environment = NodeJS.ProcessEnv

/**
 * Makes the values readable as `process.env.NAME`. They are decoded on each access, and never stand
 * in the environment of the process.
 */
export function addToEnvironment(program: NodeJS.Process, packed: Uint8Array): void {
  program.env = overlaid(program.env, unpackValues(packed))
  syncBuiltinESMExports() // for `import { env } from 'node:process'`
}

/**
 * The values over the environment. They are not enumerable, since Node.js copies what is enumerable
 * into the environment of each child process. What the program assigns or deletes is its own.
 */
export function overlaid(real: Environment, values: Map<string, Buffer>): Environment {
  const valueOf = (name: string | symbol): string | undefined => (typeof name === 'string' ? values.get(name)?.toString() : undefined)
  const forgotten = (name: string | symbol, isDone: boolean): boolean => {
    if (isDone && typeof name === 'string') values.delete(name)
    return isDone
  }
  return new Proxy(real, {
    get: (_, name) => valueOf(name) ?? Reflect.get(real, name),
    has: (_, name) => valueOf(name) !== undefined || Reflect.has(real, name),
    ownKeys: () => [...new Set([...Reflect.ownKeys(real), ...values.keys()])],
    getOwnPropertyDescriptor: (_, name) => {
      const value = valueOf(name)
      return value === undefined
        ? Reflect.getOwnPropertyDescriptor(real, name)
        : { value, enumerable: false, configurable: true, writable: true }
    },
    // Node.js throws for what a variable cannot hold: then the value stays.
    set: (_, name, value) => forgotten(name, Reflect.set(real, name, value)),
    defineProperty: (_, name, descriptor) => forgotten(name, Reflect.defineProperty(real, name, descriptor)),
    deleteProperty: (_, name) => forgotten(name, Reflect.deleteProperty(real, name)),
  })
}
