// Stands in for monaco's widgets that show differences: the editor's API names them, GraphiQL has no use for them.

export class DiffEditorWidget {}
export class MultiDiffEditorWidget {}
