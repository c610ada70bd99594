import { configDefaults, defineConfig } from 'vitest/config'
import config, { alone } from './vitest.config.ts'

export default defineConfig({ ...config, test: { ...config.test, include: alone, exclude: configDefaults.exclude, maxWorkers: 1 } })
