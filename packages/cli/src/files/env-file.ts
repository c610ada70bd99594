/** Whether this is the name of a `.env` file, such as `.env.local`. */
export function isEnvFile(name: string): boolean {
  return name === '.env' || name.startsWith('.env.')
}

/** One that shows which variables there are, and is committed: it holds no values. */
export function isTemplate(name: string): boolean {
  return /\.(example|sample|template|dist|defaults)$/.test(name)
}
