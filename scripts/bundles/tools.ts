// The bundlers and runtimes of `pnpm bundles`, as npm has them. None needs its install script.
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../files.ts'
import { npmErrorCode, ownEnvironment } from '../npm-package.mjs'
import { failure } from '../pack.ts'

const rollupPlugins = ['@rollup/plugin-node-resolve@16.0.3', '@rollup/plugin-commonjs@29.0.3', '@rollup/plugin-json@6.1.0']
const arm = process.arch === 'arm64'
const bunPackage = `@oven/bun-${process.platform}-${arm ? 'aarch64' : process.arch}`
const denoPackage = `@deno/${process.platform}-${process.arch}${process.platform === 'linux' ? '-glibc' : ''}`

export const tools = {
  esbuild: ['esbuild@0.28.2'],
  rollup: ['rollup@4.68.8', ...rollupPlugins],
  rolldown: ['rolldown@1.3.2'],
  webpack: ['webpack@5.113.0', 'webpack-cli@7.3.1'],
  vite: ['vite@8.3.8'],
  next: ['next@16.4.6', 'react@19.3.1', 'react-dom@19.3.1'],
  bun: [`${bunPackage}@1.4.5`],
  deno: [`${denoPackage}@2.9.6`],
  cdk: ['aws-cdk-lib@2.276.0', 'constructs@10.8.1'],
} as const

export type Tool = keyof typeof tools

const programs: Readonly<Record<string, string>> = {
  bun: `${bunPackage}/bin/bun`,
  deno: `${denoPackage}/deno`,
  cdk: 'aws-cdk-lib/index.js',
}

/** The path of a program that is installed in `app`; `node` is the running one. */
export function programOf(name: string, app: string): string {
  return name === 'node' ? process.execPath : join(app, 'node_modules', programs[name] ?? `.bin/${name}`)
}

/** Lays the app and the recipes into a folder, beside our packed packages. */
export function installApp(app: string, tarballs: Readonly<Record<string, string>>): string[] {
  mkdirSync(app, { recursive: true })
  for (const from of ['app', 'recipes']) cpSync(join(root, 'scripts/bundles', from), app, { recursive: true })
  const wanted = Object.entries(tarballs).filter(([name]) => /-(core|provider-\w+)$/.test(name))
  const manifest = { name: 'app', private: true, dependencies: Object.fromEntries(wanted), overrides: tarballs }
  writeFileSync(join(app, 'package.json'), JSON.stringify(manifest))
  return install(app, [])
}

/** Adds a tool. Returns why it cannot be had, or nothing. */
export function installTool(app: string, tool: Tool): string | undefined {
  const [failed] = install(app, ['--save-exact', ...tools[tool]])
  if (failed === undefined) return existsSync(programOf(tool, app)) ? undefined : `npm installs no program ${tool}`
  return `npm cannot install it (${npmErrorCode(failed)})`
}

function install(app: string, args: readonly string[]): string[] {
  return failure('npm', ['install', ...args, '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], app, ownEnvironment())
}
