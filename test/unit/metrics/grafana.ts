import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Target {
  readonly refId: string
  readonly expr: string
  readonly legendFormat: string
  readonly datasource: DataSource
}

export interface DataSource {
  readonly type: string
  readonly uid: string
}

export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description: string
  readonly datasource: DataSource
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets: readonly Target[]
}

export interface Annotation {
  readonly name: string
  readonly datasource: DataSource
  readonly expr?: string
  readonly titleFormat?: string
  readonly tagKeys?: string
}

export interface Variable {
  readonly name: string
  readonly type: string
  readonly query: string | { readonly query: string }
}

/** The subset of Grafana's model that the checks use. */
export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly schemaVersion: number
  readonly panels: readonly Panel[]
  readonly annotations: { readonly list: readonly Annotation[] }
  readonly templating: { readonly list: readonly Variable[] }
}

export const folder: string = join(import.meta.dirname, '../../../dashboards')

export const readDashboard = (file: string): Dashboard =>
  JSON.parse(readFileSync(join(folder, file), 'utf8')) as Dashboard
