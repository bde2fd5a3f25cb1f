//! Columns as this schema spells them.

use sea_orm_migration::prelude::*;

fn column(name: &str, of: impl FnOnce(&mut ColumnDef)) -> ColumnDef {
    let mut column = ColumnDef::new(Alias::new(name));
    of(&mut column);
    column
}

pub(crate) fn table(name: &str) -> TableCreateStatement {
    Table::create().table(Alias::new(name)).to_owned()
}

/// A UUID primary key.
pub(crate) fn id(name: &str) -> ColumnDef {
    column(name, |c| {
        c.uuid().not_null().primary_key();
    })
}

pub(crate) fn uuid(name: &str) -> ColumnDef {
    column(name, |c| {
        c.uuid().not_null();
    })
}

pub(crate) fn uuid_null(name: &str) -> ColumnDef {
    column(name, |c| {
        c.uuid().null();
    })
}

pub(crate) fn text(name: &str) -> ColumnDef {
    column(name, |c| {
        c.text().not_null();
    })
}

pub(crate) fn text_null(name: &str) -> ColumnDef {
    column(name, |c| {
        c.text().null();
    })
}

pub(crate) fn int(name: &str) -> ColumnDef {
    column(name, |c| {
        c.integer().not_null();
    })
}

pub(crate) fn int_null(name: &str) -> ColumnDef {
    column(name, |c| {
        c.integer().null();
    })
}

/// 64 bits: money in minor units, positions.
pub(crate) fn bigint(name: &str) -> ColumnDef {
    column(name, |c| {
        c.big_integer().not_null();
    })
}

pub(crate) fn bigint_null(name: &str) -> ColumnDef {
    column(name, |c| {
        c.big_integer().null();
    })
}

pub(crate) fn double(name: &str) -> ColumnDef {
    column(name, |c| {
        c.double().not_null();
    })
}

pub(crate) fn double_null(name: &str) -> ColumnDef {
    column(name, |c| {
        c.double().null();
    })
}

pub(crate) fn boolean(name: &str) -> ColumnDef {
    column(name, |c| {
        c.boolean().not_null();
    })
}

pub(crate) fn at(name: &str) -> ColumnDef {
    column(name, |c| {
        c.timestamp_with_time_zone().not_null();
    })
}

pub(crate) fn at_null(name: &str) -> ColumnDef {
    column(name, |c| {
        c.timestamp_with_time_zone().null();
    })
}

pub(crate) fn json(name: &str) -> ColumnDef {
    column(name, |c| {
        c.json_binary().not_null();
    })
}

/// A foreign key that refuses to orphan: rows here are deactivated, not deleted.
pub(crate) fn references(table: &str, column: &str, target: &str, key: &str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("{table}_{column}_fkey"))
        .from(Alias::new(table), Alias::new(column))
        .to(Alias::new(target), Alias::new(key))
        .on_delete(ForeignKeyAction::Restrict)
        .to_owned()
}

/// Runs statements that both databases spell alike.
pub(crate) async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

/// Drops tables, youngest first.
pub(crate) async fn drop_tables(manager: &SchemaManager<'_>, tables: &[&str]) -> Result<(), DbErr> {
    for table in tables {
        manager.drop_table(Table::drop().table(Alias::new(*table)).to_owned()).await?;
    }
    Ok(())
}
