import { existsSync, statSync } from 'node:fs'
import { basename, extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { configurationError, loadOnUse, type SecretsError } from '@finchat/secrets-core/provider'
import { readRegular } from '../files/read-file.ts'
import type { Config } from './config.ts'
import { findConfig } from './find-config.ts'
import { parseConfig } from './parse-config.ts'

/** Programs that give a configuration; they run only if they are named. */
const programs = ['.ts', '.mts', '.js', '.mjs']

export function isProgram(file: string): boolean {
  return programs.includes(extname(file))
}

/** The configuration in a file: JSON, or the default export of a program. */
export async function readConfig(file: string): Promise<Config> {
  return parseConfig(await readContent(file), basename(file))
}

/** What the file holds, unchecked. */
export async function readContent(file: string): Promise<unknown> {
  if (!existsSync(file)) throw configurationError(`there is no ${basename(file)}`, 'name the file by its path, relative to where you are')
  return isProgram(file) ? defaultExport(file) : parsedJson(textOf(file), file)
}

async function defaultExport(file: string): Promise<unknown> {
  if (!statSync(file).isFile()) throw unreadable(file, 'is not a regular file')
  const loaded = { what: `the configuration ${basename(file)}`, name: file }
  const { default: content } = await loadOnUse(
    loaded,
    async (): Promise<{ default?: unknown }> => import(pathToFileURL(file).href),
    'default',
  )
  return content
}

/** What the text of a JSON configuration holds, unchecked; a mark of its encoding is passed over. */
export function parsedJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text)
  } catch (error) {
    // Its message quotes the file.
    const [place = ''] = / \(line \d+ column \d+\)/.exec(String(error)) ?? []
    throw configurationError(`${basename(file)} is not JSON${place}`, 'correct it there; comments and trailing commas are not JSON')
  }
}

/** Thousands of declared secrets take less. */
const mostBytes = 1024 * 1024

function textOf(file: string): string {
  const content = readRegular(file, mostBytes)
  if ('problem' in content) throw unreadable(file, content.problem)
  return content.bytes.toString()
}

function unreadable(file: string, problem: string): SecretsError {
  return configurationError(`the configuration file ${basename(file)} ${problem}`, 'name a file of JSON that this user may read')
}

/** The names that the nearest JSON configuration declares; none if it is missing or wrong. No program is run, and no store asked. */
export async function declaredNames(cwd: string): Promise<readonly string[]> {
  const file = findConfig(resolve(cwd))
  const config = file === undefined ? {} : await readConfig(file).catch(() => ({ secrets: {} }))
  return Object.keys(config.secrets ?? {})
}
